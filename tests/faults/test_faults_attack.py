"""Those who mean ill: the server stays small, says little, and serves the others."""

from __future__ import annotations

import asyncio
import resource
import sys
import time

import pytest
from tests.whole.callers import BETA, NODES, PODS
from tests.whole.waiting import eventually, watching
from tests.whole.world import HOST, NODE_NAMES, World, running, steady

from kubevitals.simulator import roles
from kubevitals.simulator.faults import KubeletFault


async def test_a_thousand_bad_handshakes_are_two_lines(still: World) -> None:
    """Whoever knocks without knowing TLS is counted; the log tells of it twice at most, and others are served."""
    master = still.master()
    knocks = asyncio.Semaphore(50)

    async def knock(number: int) -> None:
        async with knocks:
            reader, writer = await asyncio.open_connection(HOST, still.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n" if number % 2 else b"\x16\x03\x01\x00\x05hello")
            try:
                await reader.read()
            except OSError:
                pass
            finally:
                writer.close()

    async with watching(lambda: master.code("/livez")) as watched, asyncio.TaskGroup() as group:
        for number in range(1000):
            group.create_task(knock(number))
    assert [code for code in watched.answers if code != 200] == []
    assert len(still.log.lines("A caller's TLS handshake failed")) <= 2
    text = (await master.ask("/metrics")).body
    [count] = [line for line in text.splitlines() if line.startswith("apiserver_tls_handshake_errors_total ")]
    assert float(count.split()[-1]) >= 1000


_HOLD = """
import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
print("held", flush=True)
sys.stdin.read()
"""


async def test_ten_thousand_idle_connections_keep_nobody_out(still: World) -> None:
    """They are held open by another process; who asks is answered, on a kept connection and on a new one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11_000:
        pytest.skip(f"a process may open {hard} files here")
    master = still.master()
    assert await master.code("/livez") == 200
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, str(still.port), "10000",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"held\n"
        assert await master.code("/livez") == 200
        assert await still.master().code(NODES) == 200
    finally:
        holder.stdin.close()
        await holder.wait()


async def test_kubelets_that_mean_ill_take_no_memory_and_no_token(world: World) -> None:
    """Bombs, endless bodies and redirects in turn: the node alone fails, and the peak of memory stays where it was."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sick, master = world.cluster.fleet["node-2"], world.master()
    ill = [KubeletFault.BOMB, KubeletFault.ENDLESS, KubeletFault.REDIRECT, KubeletFault.GARBAGE]
    sick.fate = iter(ill * 5)
    goal = sick.requests + 20
    async with watching(lambda: master.names(NODES)) as watched:
        while sick.requests < goal:
            await world.scraped("node-2")
    for names in watched.answers:
        assert isinstance(names, list)
        assert {"node-1", "node-3"} <= set(names)
    await world.measured(NODE_NAMES)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 100, f"{grown:.0f} MiB more at the peak"


async def test_a_storm_of_lists_is_turned_away_at_the_limit() -> None:
    """A hundred lists at once where five may be in flight: each is answered, some with 429, and masters always."""
    # Each is asked about anew, and so is in flight for as long as the API server takes to answer.
    flags = ("--max-requests-inflight=5", "--authorization-webhook-cache-authorized-ttl=0s")
    async with running(*flags) as world:
        master = await world.measured()
        world.grant(roles.binding("storm", "system:aggregated-metrics-reader", [roles.user("storm")]))
        callers = [world.proxied("storm") for _ in range(10)]
        await asyncio.gather(*(caller.code(PODS) for caller in callers))
        async with watching(lambda: master.code(PODS)) as watched:
            codes = await asyncio.gather(*(caller.code(PODS) for caller in callers for _ in range(10)))
        assert set(codes) == {200, 429}
        assert [code for code in watched.answers if code != 200] == []
        assert await callers[0].code(PODS) == 200


async def test_names_with_control_characters_reach_no_terminal(world: World) -> None:
    """A container may be called anything; the log and the server's own metrics stay readable lines."""
    evil = "a\x1b[2J\x07b"
    world.cluster.pods.run("node-2", "shop", "evil-0", {evil: steady(time.time() - 60, (10, 10))})
    master = world.master()

    async def served() -> bool:
        return "evil-0" in await master.names(PODS)

    await eventually(served)
    [found] = [item for item in await master.items(PODS) if item["metadata"]["name"] == "evil-0"]
    assert [container["name"] for container in found["containers"]] == [evil]
    for path in ("/metrics", "/readyz?verbose", f"{BETA}/scrapestatus"):
        answer = await master.ask(path)
        assert "\x1b" not in str(answer.body)
    assert "\x1b" not in world.log.stream.getvalue()
