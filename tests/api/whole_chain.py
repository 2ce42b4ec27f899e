"""A chain of real parts over a small cluster, without a socket: what tests of chain and routes ask."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from kubevitals.api import scrapestatus, selfmetrics
from kubevitals.api.authentication import Authenticator
from kubevitals.api.authentication.tokens import Tokens
from kubevitals.api.authentication.trust import ClientTrust, TrustFlags
from kubevitals.api.authorization import Authorizer
from kubevitals.api.chain import Chain, ChainLimits
from kubevitals.api.encoding import Item
from kubevitals.api.health import Health
from kubevitals.api.message import Headers, Request, Response
from kubevitals.api.resources import Resources
from kubevitals.api.routes import Routes
from kubevitals.errors import ApiUnreachable
from kubevitals.kube.reviews import Decision
from kubevitals.model import Batch, Labels, Layout, Node, NodePoint, Pod, PodRows, User
from kubevitals.selectors import parse_labels
from kubevitals.store.inventory import Inventory
from kubevitals.store.points import Points
from kubevitals.telemetry import Telemetry

T0 = 1_790_000_000_000  # ms
A = "/apis/metrics.k8s.io/v1beta1"
WEB = Labels(b'{"app":"web"}', {"app": "web"})
DB = Labels(b'{"app":"db"}', {"app": "db"})


def batch(seconds: int, cores: int) -> Batch:
    """One node and two pods, ``seconds`` after T0, each having used ``cores`` cores since."""
    layout = Layout((PodRows("data", "db-0", 0, 1, ("db",)), PodRows("shop", "web-0", 1, 3, ("app", "proxy"))), 3)
    time_ms, cpu = T0 + seconds * 1000, 10**9 * (100 + seconds * cores)
    return Batch(
        layout,
        array("q", [time_ms] * 3),
        array("Q", [cpu] * 3),
        array("Q", [1 << 20] * 3),
        array("q", [0] * 3),
        NodePoint(time_ms, cpu, 1 << 30),
    )


async def _at_once() -> None:
    """The API server answers without delay."""


class World:
    """The parts, and what callers and reviews do."""

    def __init__(self, *, measured: bool = True, limits: ChainLimits | None = None) -> None:
        self.inventory, self.points = Inventory(), Points(resolution=15.0, first_revision=7)
        self.inventory.replace_nodes(
            [Node("n1", WEB, "2026-01-02T03:04:05Z"), Node("n2"), Node("n3", created="2026-01-02T03:04:05Z")]
        )
        self.inventory.replace_pods(
            [Pod("shop", "web-0", WEB, "2026-01-02T03:04:05Z"), Pod("data", "db-0", DB), Pod("shop", "new-0", WEB)]
        )
        if measured:
            self.points.absorb("n1", batch(0, 1), T0)
            self.points.absorb("n1", batch(15, 1), T0 + 15_000)
        self.tokens = {"good": User("jane", ("dev",))}
        self.allowed: Callable[[bytes], Decision] = lambda spec: Decision(True, False, "")
        self.reviews: list[bytes] = []
        self.pause: Callable[[], Awaitable[None]] = _at_once
        self.unready = ""
        self.draining = False
        self.served: list[Sequence[Item]] = []
        self.entries: list[dict[str, str]] = []
        self.telemetry = Telemetry(resolution=15.0)
        self.clock = 0.0
        self.look = 0.0  # seconds that pass whenever the clock is looked at
        self.chain = self._chain(limits or ChainLimits())

    def _chain(self, limits: ChainLimits) -> Chain:
        tokens = Tokens(self._token, secret=b"s", clock=lambda: self.clock)
        trust = ClientTrust(TrustFlags(lookup=False))
        health = Health(
            storage_ready=lambda: self.unready,
            informer_ready=lambda: "",
            collection_timely=lambda: "",
            shutting_down=lambda: "",
        )
        routes = Routes(
            resources=Resources(self.inventory, self.points, parse_labels("")),
            health=health,
            metrics=lambda: selfmetrics.answer(self.telemetry, {}),
            scrape_status=lambda version: scrapestatus.answer(version, {"summary": "fine"}, self.entries, []),
            served=self.served.append,
            release="1.2.3",
            server_address=":10250",
        )
        return Chain(
            authenticator=Authenticator(trust, tokens, now=lambda: 0.0),
            authorizer=Authorizer(self._access, clock=lambda: self.clock),
            routes=routes,
            draining=lambda: self.draining,
            telemetry=self.telemetry,
            clock=self._look_at_the_clock,
            limits=limits,
        )

    def _look_at_the_clock(self) -> float:
        self.clock += self.look
        return self.clock

    async def _token(self, token: str) -> User | None:
        await self.pause()
        if token == "unreachable":
            raise ApiUnreachable("the API server does not answer")
        return self.tokens.get(token)

    async def _access(self, spec: bytes) -> Decision:
        self.reviews.append(spec)
        await self.pause()
        return self.allowed(spec)

    async def ask(self, uri: str, method: str = "GET", token: str = "good", **headers: str) -> Response:
        """Ask for a path and query, and take the whole answer; header names are given with ``_`` for ``-``."""
        answer = await self.begin(uri, method, token, **headers)
        if answer.rest is not None:
            answer.chunks.extend([chunk async for chunk in answer.rest])
        for told in answer.sent:
            told(answer.size)
        answer.rest = None
        return answer

    async def begin(self, uri: str, method: str = "GET", token: str = "good", **headers: str) -> Response:
        """Ask as ``ask`` does, and leave the rest of a large answer to be taken."""
        path, _, query = uri.partition("?")
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if token:
            lines.append(("Authorization", f"Bearer {token}"))
        return await self.chain.handle(Request(method, path, path, query, Headers(lines)))


@asynccontextmanager
async def counted_turns() -> AsyncIterator[Callable[[], int]]:
    """Count, while a ``with`` block waits, how often the loop has turned to somebody else."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(others())
        yield lambda: turns
        task.cancel()
