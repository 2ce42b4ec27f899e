"""Kubelets whose certificates nobody signed, and those who would like to be them."""

from __future__ import annotations

import time
from pathlib import Path

from tests.whole.callers import NODES, Caller
from tests.whole.waiting import eventually
from tests.whole.world import NODE_NAMES, World, serving, simulated

from kubevitals.scraper import pins
from kubevitals.simulator import pki

FAILED, RECOVERED = "Node cannot be scraped", "Node is scraped again"
WITHOUT_CA = ("--kubelet-certificate-authority",)


async def test_a_pinned_kubelet_is_refused_when_it_changes_and_accepted_by_hand(tmp_path: Path) -> None:
    """First use without a CA; another certificate gets no token and is told; deleting its line accepts it."""
    path = tmp_path / "pins"
    async with simulated() as cluster:
        for name in NODE_NAMES:
            own = pki.Authority(f"{name}-ca", now=time.time)
            await cluster.nodes.certify(name, own.serving(f"system:node:{name}", [name]))
        flag = f"--kubelet-tls-pin={path}"
        async with serving(cluster, flag, without=WITHOUT_CA) as world:
            await world.measured()
            await eventually(lambda: sorted(pins.read(path.read_text())) == NODE_NAMES)

            stranger = pki.Authority("node-2-ca", now=time.time).serving("system:node:node-2", ["node-2"])
            await cluster.nodes.certify("node-2", stranger)
            tokens = cluster.fleet["node-2"].tokens
            tokens.clear()
            line = await world.log.line(FAILED, node="node-2")
            assert line["cause"] == "pin_changed"
            assert str(path) in line["remedy"]
            assert tokens == set()
            master = world.master()
            await eventually(lambda: only(master, ["node-1", "node-3"]))

            kept = [text for text in path.read_text().splitlines(keepends=True) if not text.startswith("node-2 ")]
            path.write_text("".join(kept))
            await world.log.line(RECOVERED, node="node-2")
            await world.measured()


async def only(caller: Caller, names: list[str]) -> bool:
    assert await caller.names(NODES) == names
    return True


async def test_pins_hold_across_a_restart(tmp_path: Path) -> None:
    """A server that starts again refuses what the one before would have refused."""
    path = tmp_path / "pins"
    flag = f"--kubelet-tls-pin={path}"
    async with simulated() as cluster:
        async with serving(cluster, flag, without=WITHOUT_CA) as world:
            await world.measured()
            await eventually(lambda: len(pins.read(path.read_text())) == 3)
        stranger = pki.Authority("another", now=time.time).serving("node-1", [cluster.nodes.address("node-1")])
        await cluster.nodes.certify("node-1", stranger)
        async with serving(cluster, flag, without=WITHOUT_CA) as world:
            line = await world.log.line(FAILED, node="node-1")
            assert line["cause"] == "pin_changed"


async def test_a_refusal_names_whom_the_certificate_is_for(world: World) -> None:
    """The log line tells subject, issuer and names of a certificate that is not believed."""
    other = pki.Authority("elsewhere", now=time.time)
    await world.cluster.nodes.certify("node-2", other.serving("system:node:node-2", ["node-2", "10.1.2.3"]))
    line = await world.log.line(FAILED, node="node-2")
    assert line["cause"] == "unknown_ca"
    address = world.cluster.nodes.address("node-2")
    assert "certificate of system:node:node-2, issued by elsewhere, for " in line["detail"]
    assert line["detail"].endswith(f"and not for {address}")


async def test_days_until_expiry_are_a_metric(world: World) -> None:
    """Of every node that has shown a certificate."""
    answer = await world.master().ask("/metrics")
    lines = [line for line in answer.body.splitlines() if line.startswith("kubevitals_kubelet_certificate_days_left{")]
    assert [line.split('"')[1] for line in lines] == NODE_NAMES
    assert all(0 < float(line.split()[-1]) < 4000 for line in lines)
