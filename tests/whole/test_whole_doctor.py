"""The doctor, as its command, looks at a cluster with the real server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from tests.whole.waiting import eventually
from tests.whole.world import World, running

from kubevitals.simulator.cluster import Plan
from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.kinds import CLUSTER_ROLE_BINDINGS
from kubevitals.simulator.quirks import Quirks
from kubevitals.simulator.rbac import MASTERS
from kubevitals.simulator.workload import Steady

PLAN = Plan(nodes=2, pods=3, housekeeping=0, check_interval=1.0, control_plane=True)
RUN = "from kubevitals.cli import main; main()"


async def doctor(
    world: World, *args: str, user: str = "admin", groups: tuple[str, ...] = (MASTERS,)
) -> tuple[int, str]:
    """Return the exit code of the command, and what it printed."""
    kubeconfig = world.cluster.kubeconfig(user, groups)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, "doctor", f"--kubeconfig={kubeconfig}", *args,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={"COLUMNS": "80", "HOME": "/nonexistent"},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode() + err.decode()


async def until(world: World, enough: Callable[[int, str], bool], *args: str) -> tuple[int, str]:
    """Look again until what is seen is what it comes to."""
    last: list[tuple[int, str]] = []

    async def seen() -> bool:
        last[:] = [await doctor(world, *args)]
        assert enough(*last[0]), last[0][1]
        return True

    await eventually(seen)
    return last[0]


async def test_a_healthy_cluster() -> None:
    """It says that all is well, on one screen, with exit code 0; nodes that there are not are an error."""
    async with running(plan=PLAN) as world:
        await world.cluster.wait_available()
        code, text = await until(world, lambda code, text: code == 0)
        assert "All is well" in text, text
        assert len(text.splitlines()) <= 24
        assert "2 of 2 nodes measured" in text
        assert (await doctor(world, "node", "worker-1"))[0] == 0
        code, text = await doctor(world, "node", "nobody")
        assert (code, text.count("\n")) == (2, 1), text
        assert (await doctor(world, "planet", "earth"))[0] == 2
        namespace, name, container = _container(world)
        code, text = await doctor(world, "pod", f"{namespace}/{name}")
        assert (code, f"reports {container}" in text) == (0, True), text
        assert (await doctor(world, "pod", "shop/nobody"))[0] == 2
        code, text = await doctor(world, "-o", "json", "--redact")
        report: dict[str, Any] = json.loads(text)
        assert (report["healthy"], report["findings"]) == (True, [])
        assert "worker-1" not in text


async def test_a_kubelet_that_refuses_and_a_right_that_is_missing() -> None:
    """Each is named first while it lasts, and gone with its cause."""
    async with running(plan=PLAN) as world:
        await world.cluster.wait_available()
        await until(world, lambda code, text: code == 0)
        world.cluster.fleet["worker-2"].fault = KubeletFault.UNAUTHORIZED
        code, text = await until(world, lambda code, text: "\nD27" in text)
        assert (code, "worker-2" in text, "webhook" in text) == (1, True, True)
        world.cluster.fleet["worker-2"].fault = None
        await until(world, lambda code, text: code == 0)
        delegator = next(
            item
            for item in world.cluster.registry[CLUSTER_ROLE_BINDINGS].items()
            if item["roleRef"]["name"] == "system:auth-delegator"
        )
        world.cluster.registry.delete(CLUSTER_ROLE_BINDINGS, delegator["metadata"]["name"])
        code, text = await until(world, lambda code, text: "\nD18" in text)
        assert (code, "auth-delegator" in text) == (1, True)
        world.cluster.registry.apply(CLUSTER_ROLE_BINDINGS, delegator)
        await until(world, lambda code, text: code == 0)


async def test_somebody_with_few_rights_is_told_what_could_not_be_seen() -> None:
    """Nothing is claimed of what may not be looked at."""
    async with running(plan=PLAN) as world:
        await world.cluster.wait_available()
        _, text = await doctor(world, user="jane", groups=())
        assert "Could not be looked at" in text
        assert "All is well" not in text
        assert "D01" not in text


def _container(world: World) -> tuple[str, str, str]:
    """A container of worker-1."""
    pod = world.cluster.pods.of("worker-1")[0]
    return pod["metadata"]["namespace"], pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]


async def test_what_a_kubelet_reports_wrongly_is_named() -> None:
    """Containers that are missing or reported twice, and a clock that is ahead, each while it lasts."""
    async with running(plan=PLAN) as world:
        await world.cluster.wait_available()
        await until(world, lambda code, text: code == 0)
        machine = world.cluster.pods.machine("worker-1")
        for row, quirks in (
            ("D32", Quirks(without_containers=True)),
            ("D35", Quirks(duplicates={_container(world): Steady(5.0, 10**9, 1 << 20)})),
            ("D37", Quirks(clock_ahead=300)),
        ):
            machine.set_quirks(quirks)
            await until(world, lambda code, text, row=row: f"\n{row}" in text and "worker-1" in text)  # type: ignore[misc]
            machine.set_quirks(Quirks())
        await until(world, lambda code, text: code == 0)
