"""The command as it is started, against the simulated cluster."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import random
import struct
import sys
import termios
import time
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from tests.kubeletcerts.making import manifest, pem

from kubevitals.model import User
from kubevitals.simulator import roles, signing
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.kinds import SIGNING_REQUESTS

RUN = (sys.executable, "-c", "from kubevitals.cli import main; main()", "approve-kubelet-certs")
PATIENCE = 60


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
async def cluster(tmp_path):
    """A cluster with two nodes."""
    plan = Plan(nodes=2, pods=0, housekeeping=0.0)
    async with Cluster(plan, now=time.time, random=random.Random(7).random, directory=tmp_path) as made:
        yield made


def ask(cluster: Cluster, name: str, node: str, names: Sequence[str] = (), *, user: str = "", **more) -> None:
    """Put a node's request into the cluster; without names for what the node is."""
    requester = User(user or f"system:node:{node}", ("system:nodes", "system:authenticated"))
    wanted = names or (node, cluster.nodes.address(node))
    cluster.registry.create(SIGNING_REQUESTS, signing.requested(manifest(name, pem(node, wanted), **more), requester))


def approved(cluster: Cluster) -> list[str]:
    """Return the names of the requests that are approved."""
    return [
        item["metadata"]["name"]
        for item in cluster.registry[SIGNING_REQUESTS].items()
        if [each["type"] for each in item["status"].get("conditions", ())] == ["Approved"]
    ]


async def run(cluster: Cluster, *argv: str, kubeconfig: str = "") -> Done:
    """Run the command without a terminal."""
    environment = {"PYTHONPATH": ":".join(sys.path), "KUBECONFIG": kubeconfig or str(cluster.files.admin)}
    process = await asyncio.create_subprocess_exec(*RUN, *argv, stdin=-3, stdout=-1, stderr=-1, env=environment)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Done(process.returncode, out.decode(), err.decode())


async def test_what_is_in_order_is_approved_and_the_rest_refused(cluster):
    """The exit code tells of the refusal, and its reason and remedy are shown."""
    ask(cluster, "csr-good", "worker-1", expirationSeconds=86400 * 365)
    ask(cluster, "csr-bad", "worker-2", ["worker-2", cluster.nodes.address("worker-1")])
    done = await run(cluster, "--yes")
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[0] == ["NODE", "REQUEST", "AGE", "LASTS", "NAMES", "AND", "ADDRESSES", "VERDICT"]
    assert (rows[1][0], rows[1][1], rows[1][3], rows[1][-1]) == ("worker-1", "csr-good", "365d", "approve")
    assert rows[2][-1] == "refuse"
    assert f'asks for {cluster.nodes.address("worker-1")}, which belongs to the node "worker-1"' in done.out
    assert "kubectl certificate deny csr-bad" in done.out
    assert "csr-good approved\n" in done.out
    assert (done.code, done.err, approved(cluster)) == (1, "", ["csr-good"])
    (condition,) = cluster.registry.get(SIGNING_REQUESTS, "csr-good")["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("True", "KubevitalsApprove")


async def test_all_approved_is_success_and_of_each_node_the_newest(cluster):
    """Exit code 0, one approval for each node, and the older request is told to end by itself."""
    registry = cluster.registry
    for name, at in (("csr-new", 2000.0), ("csr-old", 1000.0)):
        registry.now = lambda at=at: at
        ask(cluster, name, "worker-1")
    ask(cluster, "csr-two", "worker-2")
    done = await run(cluster, "-y")
    assert (done.code, sorted(approved(cluster))) == (0, ["csr-new", "csr-two"])
    assert "replaced: the node has asked again since" in done.out
    again = await run(cluster, "-y", "worker-2")
    assert (again.code, again.out.splitlines()[0]) == (0, "No kubelet waits for a serving certificate.")


async def test_without_a_terminal_nothing_is_approved(cluster):
    """Who cannot be asked must say --yes; the table is shown all the same."""
    ask(cluster, "csr-1", "worker-1")
    done = await run(cluster)
    assert (done.code, approved(cluster)) == (2, [])
    assert "add --yes" in done.err
    assert "csr-1" in done.out


async def test_a_dry_run_shows_only(cluster):
    """Exit code 0 says that nothing would be refused."""
    ask(cluster, "csr-1", "worker-1")
    done = await run(cluster, "--dry-run", "--yes")
    assert (done.code, approved(cluster), done.out.split()[-1]) == (0, [], "approve")


async def test_nodes_limit_what_is_looked_at(cluster):
    """Only the named nodes' requests are shown and approved; a name that is no node's is an error."""
    ask(cluster, "csr-1", "worker-1")
    ask(cluster, "csr-2", "worker-2")
    done = await run(cluster, "--yes", "worker-2")
    assert (done.code, approved(cluster), "csr-1" in done.out) == (0, ["csr-2"], False)
    unknown = await run(cluster, "--yes", "worker-9")
    assert (unknown.code, unknown.err) == (2, 'kubevitals: there is no node "worker-9"\n')


async def test_json_is_all_there_is_on_standard_output(cluster):
    """Programs get verdict, reasons and outcome of each request."""
    ask(cluster, "csr-1", "worker-1")
    ask(cluster, "csr-2", "worker-2", user="jane")
    done = await run(cluster, "--yes", "-o", "json")
    found = {item["name"]: item for item in json.loads(done.out)}
    assert (found["csr-1"]["verdict"], found["csr-1"]["outcome"]) == ("approve", "approved")
    assert found["csr-1"]["ipAddresses"] == [cluster.nodes.address("worker-1")]
    assert [one["code"] for one in found["csr-2"]["reasons"]] == ["requester", "subject"]
    assert done.code == 1
    unasked = await run(cluster, "-o", "json")
    assert (unasked.code, unasked.out, "add --yes" in unasked.err) == (2, "", True)


async def test_a_request_with_very_much_in_it_does_not_flood_the_screen(cluster):
    """Of many reasons the first few are told."""
    ask(cluster, "csr-1", "worker-1", [f"host-{number}" for number in range(500)])
    done = await run(cluster, "--dry-run")
    assert (done.code, done.out.count("\n") < 50, "and 490 reasons more" in done.out) == (1, True, True)


async def test_names_that_a_cluster_chose_reach_no_terminal(cluster):
    """Control characters in names are replaced, and a command to copy is quoted for the shell."""
    ask(cluster, "csr-1", "worker-1", user="system:node:\x1b[2J")
    item = cluster.registry.get(SIGNING_REQUESTS, "csr-1")
    cluster.registry.create(SIGNING_REQUESTS, {**item, "metadata": {"name": "x; reboot \x1b[1m"}})
    done = await run(cluster, "--yes")
    assert "\x1b" not in done.out
    assert "kubectl certificate deny 'x; reboot \N{REPLACEMENT CHARACTER}[1m'" in done.out


@pytest.mark.parametrize(
    ("rules", "code", "words"),
    [
        ([], 2, "list certificate signing requests"),
        ([("certificates.k8s.io", "certificatesigningrequests", "list")], 2, "list nodes"),
        (
            [("certificates.k8s.io", "certificatesigningrequests", "list"), ("", "nodes", "list")],
            1,
            "resources: [certificatesigningrequests/approval]",
        ),
        (
            [
                ("certificates.k8s.io", "certificatesigningrequests", "list"),
                ("", "nodes", "list"),
                ("certificates.k8s.io", "certificatesigningrequests/approval", "update"),
            ],
            1,
            "resourceNames: [kubernetes.io/kubelet-serving]",
        ),
    ],
)
async def test_a_missing_right_is_told_with_the_rule_that_grants_it(cluster, rules, code, words):
    """Each right that is missing is named, with its rule; nothing is approved without all of them."""
    ask(cluster, "csr-1", "worker-1")
    granted = [roles.rule([group], [resource], [verb]) for group, resource, verb in rules]
    cluster.registry.create(*roles.role("some", granted))
    cluster.registry.create(*roles.binding("some", "some", [roles.user("jane")]))
    done = await run(cluster, "--yes", kubeconfig=str(cluster.kubeconfig("jane")))
    assert (done.code, approved(cluster)) == (code, [])
    assert "this user has no right to" in done.err
    assert words in done.err


async def test_an_approver_without_a_look_at_services_says_so(cluster):
    """The four rules that are told suffice, and what was not compared is said."""
    ask(cluster, "csr-1", "worker-1")
    granted = [
        roles.rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["list"]),
        roles.rule(["certificates.k8s.io"], ["certificatesigningrequests/approval"], ["update"]),
        roles.rule(["certificates.k8s.io"], ["signers"], ["approve"], ["kubernetes.io/kubelet-serving"]),
        roles.rule([""], ["nodes"], ["list"]),
    ]
    cluster.registry.create(*roles.role("some", granted))
    cluster.registry.create(*roles.binding("some", "some", [roles.user("jane")]))
    done = await run(cluster, "--yes", kubeconfig=str(cluster.kubeconfig("jane")))
    assert (done.code, approved(cluster), "Services cannot be listed" in done.out) == (0, ["csr-1"], True)


async def test_with_nothing_pending_kubelets_that_never_ask_are_told(cluster):
    """What kubelets say of serverTLSBootstrap is read where it may be; where it is off, the remedy is told."""
    cluster.fleet["worker-1"].config["serverTLSBootstrap"] = True
    cluster.fleet["worker-2"].config["serverTLSBootstrap"] = False
    done = await run(cluster)
    assert done.code == 0
    assert "serverTLSBootstrap is off in 1 of the 2 kubelets that were asked (worker-2)" in done.out
    assert "systemctl restart kubelet" in done.out


async def test_a_cluster_that_cannot_be_reached_is_told(cluster):
    """Exit code 2 and one sentence."""
    await cluster.api.pause()
    done = await run(cluster, "--yes")
    assert (done.code, done.out) == (2, "")
    assert "connection refused" in done.err


@pytest.mark.parametrize(("answer", "code", "expected"), [("y\n", 0, ["csr-1"]), ("\n", 1, [])])
async def test_on_a_terminal_it_asks(cluster, answer, code, expected):
    """The default is no; the table fits 80 columns, in colours."""
    ask(cluster, "csr-1", "worker-1")
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {
        "PYTHONPATH": ":".join(sys.path),
        "KUBECONFIG": str(cluster.files.admin),
        "TERM": "xterm-256color",
    }
    process = await asyncio.create_subprocess_exec(*RUN, stdin=inside, stdout=inside, stderr=inside, env=environment)
    os.close(inside)
    seen = await asyncio.to_thread(_read, terminal, "[y/N]")
    os.write(terminal, answer.encode())
    seen += await asyncio.to_thread(_read, terminal)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == code, seen
    os.close(terminal)
    assert "Approve 1 of 1? [y/N]" in seen
    assert "\x1b[32mapprove" in seen
    assert approved(cluster) == expected


def _read(terminal: int, until: str = "") -> str:
    received = b""
    with contextlib.suppress(OSError):  # the program has ended
        while data := os.read(terminal, 65536):
            received += data
            if until and until.encode() in received:
                break
    return received.decode("utf-8", "replace")
