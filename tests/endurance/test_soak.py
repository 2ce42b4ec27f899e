"""A server under load, with faults all the time: for an hour of the clock, and for a day of simulated time.

``KUBEVITALS_SOAK_SECONDS`` says how long the first takes, ``KUBEVITALS_SOAK_HOURS`` how many hours the second
simulates; an hour and a day is what ``make soak`` asks for.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.endurance.test_churn import RESOLUTION, Churn
from tests.processes import Process, free_port
from tests.virtual_time import run
from tests.whole.callers import CUT, NODES, PODS, Caller
from tests.whole.waiting import eventually
from tests.whole.world import HOST, certify

from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.templates import FRONT_PROXY_NAME

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("KUBEVITALS_SOAK_SECONDS", "3600"))
WARM_UP = 60.0  # seconds until every kind of request and fault has been met, and the buffers for them are there
CYCLE = 10.0  # seconds, the shortest that the flags allow
DAY = 3600 * float(os.environ.get("KUBEVITALS_SOAK_HOURS", "24"))  # simulated seconds, more than an hour
MI = 1 << 20
# Freed memory stays with the process in pieces that the next peak may not fit into; a leak of 200 bytes in each scrape
# of an hour would be as much.
SLACK = 12 * MI
BAD = re.compile(r"panic|Traceback|never retrieved|could not be sent|Unhandled|^E", re.MULTILINE)
EXPECTED = re.compile(r'^E.*"(No node can be scraped|Cannot follow the API server)"', re.MULTILINE)


# --- a day of simulated time --------------------------------------------------------------------------------


@pytest.mark.timeout(900)
def test_a_simulated_day_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """Pods and nodes come and go in each of 5,760 cycles, scrapes fail: memory and tasks are as after an hour."""
    unhandled: list[object] = []

    async def scenario() -> tuple[int, int, dict[str, int], int]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        churn = Churn()
        await churn.live(int(3600 / RESOLUTION))
        early, _ = await churn.remains()
        tasks = len(asyncio.all_tasks())
        await churn.live(int((DAY - 3600) / RESOLUTION))
        late, left = await churn.remains()
        assert asyncio.get_running_loop().time() >= DAY
        return early, late, left, len(asyncio.all_tasks()) - tasks

    caplog.set_level(logging.CRITICAL, "kubevitals")
    early, late, left, lost = run(scenario())
    assert [name for name, count in left.items() if count] == []
    assert (lost, unhandled) == (0, [])
    assert late - early < 16_000  # blocks of memory; a leak of each change would be 13,000 an hour


# --- an hour of the clock -----------------------------------------------------------------------------------


class Soak:
    """A cluster that is never quiet, a server of its own process in it, and those who ask."""

    def __init__(self, cluster: Cluster, server: Process, port: int, stack: AsyncExitStack) -> None:
        self.cluster = cluster
        self.server = server
        self.random = random.Random(20261123)
        self.codes: Counter[tuple[str, object]] = Counter()
        self._port = port
        self._stack = stack

    # --- who asks -------------------------------------------------------------------------------------------

    def caller(self, *, keep: bool = True) -> Caller:
        """A front proxy that speaks for an administrator; keep it only while its certificate is good."""
        headers = [("X-Remote-User", "root"), ("X-Remote-Group", MASTERS)]
        pair = self.cluster.front_proxy.client(FRONT_PROXY_NAME)
        return Caller(f"https://{HOST}:{self._port}", self.cluster.authority.pem, pair, headers, keep=keep)

    async def load(self, path: str, accept: str, every: float) -> None:
        """Ask for one path again and again, over connections that last for a minute or so."""
        while True:
            caller = self.caller()
            try:
                for _ in range(self.random.randrange(5, 60)):
                    await self._ask(caller, path, accept)
                    await asyncio.sleep(every)
            finally:
                await caller.close()

    async def _ask(self, caller: Caller, path: str, accept: str) -> None:
        try:
            answer = await caller.ask(path, headers=[("Accept", accept), ("Accept-Encoding", "gzip")])
            self.codes[path, answer.code] += 1
        except UnicodeDecodeError:
            self.codes[path, 200] += 1  # protocol buffers, which this caller takes for text
        except (*CUT, TimeoutError) as error:
            self.codes[path, type(error).__name__] += 1

    async def nuisance(self) -> None:
        """Knock without TLS, send half a request, show a token that nobody has."""
        stranger = Caller(f"https://{HOST}:{self._port}", self.cluster.authority.pem, None, keep=False)
        try:
            while True:
                token = [("Authorization", f"Bearer {self.random.random()}")]
                try:
                    await stranger.ask(NODES, headers=token)
                    _, writer = await asyncio.open_connection(HOST, self._port)
                    writer.write(b"GET / HTTP/1.1\r\n\r\n")
                    await writer.drain()
                    writer.close()
                except CUT:
                    pass
                await asyncio.sleep(0.5)
        finally:
            await stranger.close()

    # --- what goes wrong ------------------------------------------------------------------------------------

    async def faults(self) -> None:
        """Let something happen every few seconds; whatever it is, it ends by itself."""
        chances: list[Callable[[], Awaitable[None]]] = [
            self.kubelets_fail, self.kubelets_fail, self.kubelets_fail, self.node_comes_and_goes,
            self.api_server_away, self.rotate_token, self.rotate_front_proxy, self.rotate_kubelets, self.forget,
        ]  # fmt: skip
        while True:
            await self.random.choice(chances)()
            await asyncio.sleep(self.random.uniform(1, 6))

    async def kubelets_fail(self) -> None:
        """A few kubelets answer badly, each in its own way, for some scrapes."""
        kubelets = list(self.cluster.fleet)
        for kubelet in self.random.sample(kubelets, min(4, len(kubelets))):
            kubelet.fate = iter(self.random.choices([None, *KubeletFault], k=self.random.randrange(1, 5)))

    async def node_comes_and_goes(self) -> None:
        """A node is added with pods, and later the oldest is taken away."""
        name = f"guest-{self.random.randrange(10**9)}"
        await self.cluster.nodes.add(name)
        self.cluster.pods.run_apps(name, 6)
        guests = [kubelet.node for kubelet in self.cluster.fleet if kubelet.node.startswith("guest-")]
        if len(guests) > 3:
            await self.cluster.nodes.remove(guests[0])

    async def api_server_away(self) -> None:
        """Nobody answers for some seconds, and every connection is lost."""
        await self.cluster.api.pause()
        try:
            await asyncio.sleep(self.random.uniform(0.5, 8))
        finally:
            await self.cluster.api.resume()

    async def rotate_token(self) -> None:
        """The token before is refused at once."""
        self.cluster.rotate_token()

    async def rotate_front_proxy(self) -> None:
        """As in a rotation that was prepared."""
        self.cluster.rotate_front_proxy(keep_old=True)

    async def rotate_kubelets(self) -> None:
        """New certificates of the same authority."""
        self.cluster.rotate_kubelet_certificates()

    async def forget(self) -> None:
        """Every watch is too old."""
        self.cluster.registry.forget()

    # --- what it costs --------------------------------------------------------------------------------------

    def memory(self) -> int:
        """The server's own memory, in bytes."""
        text = Path(f"/proc/{self.server.pid}/smaps_rollup").read_text()
        return sum(int(size) * 1024 for size in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE))

    def descriptors(self) -> int:
        """How many files and connections the server has open."""
        return len(list(Path(f"/proc/{self.server.pid}/fd").iterdir()))

    async def calm(self) -> None:
        """Wait until every node is served and all connections but the server's own are gone."""
        await asyncio.sleep(2 * CYCLE)
        wanted = sorted(kubelet.node for kubelet in self.cluster.fleet)
        caller = self.caller()

        async def served() -> bool:
            return sorted(await caller.names(NODES)) == wanted

        try:
            await eventually(served, within=6 * CYCLE, every=0.5)
        finally:
            await caller.close()
        await asyncio.sleep(1)

    async def stress(self, seconds: float) -> None:
        """Load and faults for a while."""
        table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        accepts = ("application/json", "application/vnd.kubernetes.protobuf", table)
        tasks = [self.load(path, accept, 0.2) for path in (NODES, PODS) for accept in accepts]
        tasks += [self.load(path, "*/*", 1.0) for path in ("/metrics", "/openapi/v2")]
        tasks += [self.nuisance(), self.faults()]
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(task) for task in tasks]
            await asyncio.sleep(seconds)
            for task in running:
                task.cancel()
        for kubelet in self.cluster.fleet:
            kubelet.fate = iter(())


@pytest.mark.timeout(0)
async def test_an_hour_of_load_and_faults_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Memory and descriptors end where they were after a tenth of it; nothing is logged that no person expects."""
    plan = Plan(nodes=20, pods=20, churn=1.0, check_interval=5.0)
    log = tmp_path / "server.log"
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(Cluster(plan, now=time.time, random=random.random))
        port = free_port()
        flags = [*cluster.serve_flags(), *certify(cluster), f"--secure-port={port}", f"--metric-resolution={CYCLE:g}s"]
        server = Process("kubevitals", [sys.executable, "-m", "kubevitals", "serve", *flags], log)
        server.start()
        stack.callback(server.stop)
        cluster.register(HOST, port, ca=cluster.authority.pem)
        soak = Soak(cluster, server, port, stack)
        await cluster.wait_available(60)
        figures = []
        for seconds in (max(WARM_UP, 0.1 * SECONDS), 0.3 * SECONDS, 0.3 * SECONDS, 0.3 * SECONDS):
            await soak.stress(seconds)
            await soak.calm()
            gc.collect()
            figures.append((soak.memory(), soak.descriptors()))
        server.require_running()
    with capsys.disabled():
        sizes = ", ".join(f"{size / MI:.1f} MiB and {count} descriptors" for size, count in figures)
        print(f"\n{SECONDS:g} s, {sum(soak.codes.values()):,} requests: {sizes}\n{dict(soak.codes)}")
    text = EXPECTED.sub("", log.read_text())
    assert BAD.findall(text) == [], log.read_text()[-4000:]
    (early, few), *later = figures
    assert [size for size, _ in later if size > early + SLACK] == []
    assert [count for _, count in later if count > few + 10] == []
    served = sum(count for (_, code), count in soak.codes.items() if code == 200)
    assert served > 0.95 * sum(soak.codes.values())
