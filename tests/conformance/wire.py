"""Requests byte for byte as they are written here, and answers as they came.

Client libraries tidy up paths, merge header lines and decode bodies; what is to be shown here is what happens without.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import yaml
from tests.conformance.decoding import decoded
from tests.whole.world import HOST, World

from kubevitals.simulator import pki
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME

Line = tuple[str, str]
BETA, STABLE = "/apis/metrics.k8s.io/v1beta1", "/apis/metrics.k8s.io/v1"
NODES, PODS = f"{BETA}/nodes", f"{BETA}/pods"
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
TEXT = "text/plain; charset=utf-8"
_PATIENCE = 20.0


def pods_in(namespace: str) -> str:
    """The path of the pods of one namespace."""
    return f"{BETA}/namespaces/{namespace}/pods"


class NoAnswer(ConnectionError):
    """The connection was closed before anything came."""


class Reply(NamedTuple):
    """Status code, header lines and body."""

    code: int
    lines: tuple[Line, ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of every line with a name."""
        return [value for key, value in self.lines if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """The value of the only line with a name, empty when there is none."""
        values = self.all(name)
        assert len(values) < 2, values
        return values[0] if values else ""

    @property
    def type(self) -> str:
        """The Content-Type."""
        return self.header("Content-Type")

    @property
    def content(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body

    @property
    def document(self) -> Any:
        """The body read as its Content-Type says."""
        if self.type.startswith(YAML):
            return yaml.safe_load(self.content)
        if self.type.startswith(PROTOBUF):
            return decoded(self.content)
        assert self.type.startswith(JSON), (self.type, self.body[:200])
        return json.loads(self.content)

    @property
    def message(self) -> str:
        """What a Status says."""
        document = self.document
        assert (document["kind"], document["code"]) == ("Status", self.code)
        return str(document["message"])

    @property
    def names(self) -> list[str]:
        """The names of a list's items."""
        assert self.code == 200, self
        return [item["metadata"]["name"] for item in self.document["items"]]


class Wire:
    """Somebody who asks one server, with a new connection for every request.

    Args:
        port: where it listens on loopback.
        trust: the CA its certificate is verified with, PEM.
        pair: client certificate and key; None shows none.
        lines: header lines of every request.
    """

    def __init__(self, port: int, trust: bytes, pair: pki.KeyPair | None = None, lines: Iterable[Line] = ()) -> None:
        self.port = port
        self.context = pki.client_context(trust, pair)
        self.lines = list(lines)

    async def get(self, target: str, *lines: Line, method: str = "GET") -> Reply:
        """Send a request for a target, which is not looked at, and return the answer."""
        head = [f"{method} {target} HTTP/1.1", "Host: metrics-server", "Connection: close"]
        head += [f"{name}: {value}" for name, value in (*self.lines, *lines)]
        async with asyncio.timeout(_PATIENCE):
            return _read(await self.exchange("\r\n".join([*head, "", ""]).encode()))

    async def exchange(self, sent: bytes) -> bytes:
        """Send bytes on a new connection, and return everything that comes back."""
        reader, writer = await asyncio.open_connection(HOST, self.port, ssl=self.context)
        try:
            writer.write(sent)
            return await reader.read()
        finally:
            writer.close()

    async def together(self, *targets: str) -> list[Reply]:
        """Send several requests at the same time."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.get(target)) for target in targets]
        return [task.result() for task in tasks]


def accept(value: str) -> Line:
    """An Accept header."""
    return "Accept", value


def _read(said: bytes) -> Reply:
    head, blank, body = said.partition(b"\r\n\r\n")
    if not blank:
        raise NoAnswer(repr(said))
    first, *rest = head.decode("latin-1").split("\r\n")
    lines = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in rest))
    reply = Reply(int(first.split(" ")[1]), lines, body)
    if reply.header("Transfer-Encoding") == "chunked":
        reply = reply._replace(body=_unchunked(body))
    return reply


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


# --- who asks -----------------------------------------------------------------------------------------------


def proxied(world: World, user: str, groups: Sequence[str] = (), *more: Line, pair: pki.KeyPair | None = None) -> Wire:
    """A front proxy that speaks for a user."""
    lines = [("X-Remote-User", user), *(("X-Remote-Group", group) for group in groups), *more]
    return with_certificate(world, pair or world.cluster.front_proxy.client(FRONT_PROXY_NAME), *lines)


def master(world: World) -> Wire:
    """A front proxy that speaks for an administrator, whom nobody need be asked about."""
    return proxied(world, "root", [MASTERS])


def with_certificate(world: World, pair: pki.KeyPair | None, *lines: Line) -> Wire:
    """The holder of a client certificate."""
    return Wire(world.port, world.cluster.authority.pem, pair, lines)


def nobody(world: World, *lines: Line) -> Wire:
    """Somebody who shows no certificate."""
    return with_certificate(world, None, *lines)


def through_aggregator(world: World, user: str = "admin", groups: Sequence[str] = (MASTERS,)) -> Wire:
    """A user who asks the API server, which hands the request on."""
    return Wire(world.cluster.api.port, world.cluster.authority.pem, world.cluster.client(user, groups))
