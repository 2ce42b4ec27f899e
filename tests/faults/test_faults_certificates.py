"""Kubelets whose certificates nobody signed, and those who would like to be them."""

from __future__ import annotations

import time
from pathlib import Path

from tests.whole.callers import NODES, Caller
from tests.whole.waiting import eventually
from tests.whole.world import HOST, NODE_NAMES, World, serving, simulated

from kubevitals.scraper import pins
from kubevitals.simulator import pki, roles
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.kinds import API_SERVICES, SECRETS, Kind, Object
from kubevitals.simulator.roles import SYSTEM

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


async def test_pins_in_a_secret_hold_and_are_accepted_by_their_key() -> None:
    """Nothing is scraped before the Secret was read; what changes is refused until its key is removed."""
    async with simulated() as cluster:
        with_secret = kept_by_the_server(cluster, "kubelet-pins")
        flag = f"--kubelet-tls-pin=secret:{SYSTEM}/kubelet-pins"
        async with serving(cluster, flag, without=WITHOUT_CA) as world:
            line = await world.log.line("Something needs attention")
            assert "kubectl -n kube-system create secret generic kubelet-pins" in line["remedy"]
            ready = await world.direct().ask("/readyz?verbose")
            assert "it is not known yet which certificates kubelets have shown" in ready.body
            assert all(kubelet.requests == 0 for kubelet in cluster.fleet)

            cluster.registry.create(*with_secret)
            await world.measured()
            await eventually(lambda: sorted(secret_data(cluster, "kubelet-pins")) == NODE_NAMES)
            stranger = pki.Authority("another", now=time.time).serving("node-2", ["node-2"])
            await cluster.nodes.certify("node-2", stranger)
            line = await world.log.line(FAILED, node="node-2")
            assert line["cause"] == "pin_changed"
            assert "deleting node-2 from the data of the Secret kube-system/kubelet-pins" in line["remedy"]

            found = cluster.registry.get(SECRETS, "kubelet-pins", SYSTEM)
            data = {node: text for node, text in found["data"].items() if node != "node-2"}
            cluster.registry.update(SECRETS, {**found, "data": data})
            await world.log.line(RECOVERED, node="node-2")


async def test_the_api_server_verifies_a_certificate_that_the_server_made() -> None:
    """From an empty Secret to an available APIService without anybody's help, and nothing skips verification."""
    async with simulated() as cluster:
        cluster.registry.create(*kept_by_the_server(cluster, "metrics-server-tls"))
        flag = f"--managed-tls={SYSTEM}/metrics-server"
        async with serving(cluster, flag, without=("--tls-cert-file", "--tls-private-key-file")) as world:
            cluster.register(HOST, world.port)
            await eventually(lambda: verified(cluster))
            await cluster.wait_available()
            assert await eventually(lambda: world.admin().names(NODES)) is not None
            assert sorted(secret_data(cluster, "metrics-server-tls")) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
            assert "PRIVATE KEY" not in world.log.stream.getvalue()


def verified(cluster: Cluster) -> bool:
    """Tell whether every APIService has the server's authority, and none skips verification."""
    specs = [item["spec"] for item in cluster.registry[API_SERVICES].items()]
    return all(spec.get("caBundle") and not spec.get("insecureSkipTLSVerify") for spec in specs)


def kept_by_the_server(cluster: Cluster, name: str) -> tuple[Kind, Object]:
    """Give the server the rights that the manifests give it; return the empty Secret, to be created."""
    account = roles.service_account(roles.SERVICE_ACCOUNT, SYSTEM)
    secrets = roles.rule([""], ["secrets"], ["get", "patch"], [name])
    services = roles.rule(["apiregistration.k8s.io"], ["apiservices"], ["get", "patch"])
    for kind, item in (
        roles.role("keeper", [secrets], SYSTEM),
        roles.binding("keeper", "keeper", [account], SYSTEM, role_namespaced=True),
        roles.role("registrar", [services]),
        roles.binding("registrar", "registrar", [account]),
    ):
        cluster.registry.apply(kind, item)
    return SECRETS, {"metadata": {"namespace": SYSTEM, "name": name}, "type": "Opaque"}


def secret_data(cluster: Cluster, name: str) -> dict[str, str]:
    return cluster.registry.get(SECRETS, name, SYSTEM).get("data") or {}


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
