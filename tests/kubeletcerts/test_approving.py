"""Looking and approving, with something happening in between."""

from __future__ import annotations

import random
import time

import msgspec
import pytest
from tests.kubeletcerts.making import PATH, manifest, pem

from kubevitals.errors import ApiStatusError
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import load_kubeconfig
from kubevitals.kubeletcerts import approving, bootstrap, reading
from kubevitals.kubeletcerts.approving import Outcome
from kubevitals.model import User
from kubevitals.simulator import signing
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.kinds import SIGNING_REQUESTS


@pytest.fixture
async def cluster(tmp_path):
    """A cluster with three nodes."""
    plan = Plan(nodes=3, pods=0, housekeeping=0.0)
    async with Cluster(plan, now=time.time, random=random.Random(7).random, directory=tmp_path) as made:
        yield made


@pytest.fixture
async def client(cluster):
    """The administrator's client."""
    async with ApiClient(load_kubeconfig([cluster.files.admin], now=time.time, environ={})) as made:
        yield made


def ask(cluster: Cluster, name: str, node: str) -> None:
    request = pem(node, [node, cluster.nodes.address(node)])
    requester = User(f"system:node:{node}", ("system:nodes",))
    cluster.registry.create(SIGNING_REQUESTS, signing.requested(manifest(name, request), requester))


async def test_what_has_changed_since_is_not_approved(cluster, client):
    """The approval holds for what was examined: a request that changed or went is skipped, the next one is not."""
    for name, node in (("a", "worker-1"), ("b", "worker-2"), ("c", "worker-3")):
        ask(cluster, name, node)
    found = await reading.pending(client)
    changed = cluster.registry.get(SIGNING_REQUESTS, "a")
    cluster.registry.update(SIGNING_REQUESTS, {**changed, "spec": {**changed["spec"], "groups": []}})
    cluster.registry.delete(SIGNING_REQUESTS, "b")
    outcomes = await approving.approve(client, found.requests)
    assert [(one.name, one.state) for one in outcomes] == [("a", "skipped"), ("b", "skipped"), ("c", "approved")]
    assert "has changed since" in outcomes[0].words
    assert "conditions" not in cluster.registry.get(SIGNING_REQUESTS, "a")["status"]


async def test_what_would_fail_for_all_ends_it(cluster, client):
    """When the API server is gone, the first request tells so, and the others are not tried."""
    for name, node in (("a", "worker-1"), ("b", "worker-2")):
        ask(cluster, name, node)
    found = await reading.pending(client)
    await cluster.api.pause()
    (outcome,) = await approving.approve(client, found.requests)
    assert isinstance(outcome, Outcome)
    assert (outcome.state, "cannot reach the API server" in outcome.words) == ("failed", True)


async def test_long_lists_are_read_to_their_end(cluster, client):
    """More requests than fit a page, which one node makes in some days, are all there."""
    for number in range(510):
        ask(cluster, f"csr-{number:03}", "worker-1")
    found = await reading.pending(client)
    assert len(found.requests) == 510
    assert [each.approvable for each in found.requests].count(True) == 1


async def test_decided_requests_are_not_pending(cluster, client):
    """What is approved, denied, failed or of another signer is left out."""
    for name in ("approved", "denied", "failed", "signed"):
        ask(cluster, name, "worker-1")
        item = cluster.registry.get(SIGNING_REQUESTS, name)
        done = {"certificate": "LS0t"} if name == "signed" else {"conditions": [{"type": name.title()}]}
        cluster.registry.update(SIGNING_REQUESTS, {**item, "status": done})
    other = manifest("other", pem("worker-1", ["worker-1"]), signer="example.com/x")
    cluster.registry.create(SIGNING_REQUESTS, signing.requested(other, User("jane", ())))
    assert (await reading.pending(client)).requests == ()


async def test_kubelets_that_cannot_be_asked_are_left_out(cluster, client):
    """No answer is neither on nor off."""
    cluster.fleet["worker-2"].config["serverTLSBootstrap"] = True
    await cluster.nodes.stop_kubelet("worker-1")
    found = await bootstrap.sample(client, ["worker-1", "worker-2", "gone"])
    assert found == bootstrap.Bootstrap(on=("worker-2",), off=())


async def test_the_simulator_writes_the_requester_into_a_request(cluster, client):
    """Nobody asks in another's name, and an update changes neither what is asked for nor what is decided."""
    body = manifest("mine", pem("worker-1", ["worker-1"]), username="system:node:worker-1", groups=["system:nodes"])
    await client.post(PATH, msgspec.json.encode(body))
    item = cluster.registry.get(SIGNING_REQUESTS, "mine")
    assert item["spec"]["username"] == "admin"
    forged = {**item, "status": {"conditions": [{"type": "Approved", "status": "True"}]}}
    await client.put(f"{PATH}/mine", msgspec.json.encode(forged))
    assert cluster.registry.get(SIGNING_REQUESTS, "mine")["status"] == {}
    both = {"metadata": {"name": "mine"}, "status": {"conditions": [{"type": "Approved"}, {"type": "Denied"}]}}
    with pytest.raises(ApiStatusError, match="422"):
        await client.put(f"{PATH}/mine/approval", msgspec.json.encode(both))
