"""What ``kubevitals manifests`` prints, installed over a metrics server that nobody verifies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from tests.e2e import objects
from tests.e2e.installing import Poll, Site, adapted, polled, printed
from tests.e2e.server import Server
from tests.e2e.service import Service, service
from tests.processes import eventually

pytestmark = pytest.mark.e2e

NAMES = tuple(f"{version}.metrics.k8s.io" for version in objects.VERSIONS)
REGISTRATION = f"/apis/apiregistration.k8s.io/v1/apiservices/{NAMES[0]}"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SETTLED = 3.0  # seconds from a change of an APIService until kube-apiserver goes by it


@pytest.fixture
def served(site: Site) -> Iterator[tuple[Service, Server]]:
    """A metrics server that nobody verifies, applied by kubectl as metrics-server is, behind a Service."""
    before = [each for each in printed("--insecure-skip-tls-verify") if each["metadata"]["name"] != NAMES[1]]
    assert [each["spec"]["insecureSkipTLSVerify"] for each in before if each["kind"] == "APIService"] == [True]
    server = site.new_server(f"before-{time.monotonic_ns()}", before)
    with service() as pods, site.installed(adapted(before, pods.port)), site.serving(server):
        pods.lead_to(server.port)
        eventually(lambda: site.available("v1beta1"), within=60, needs=(server.process,))
        eventually(lambda: site.counts() == (3, 4), within=60, needs=(server.process,))
        yield pods, server


def test_it_takes_over_without_a_missing_answer(site: Site, served: tuple[Service, Server]) -> None:
    """As docs/install/yaml.md says: what was applied is forgotten, ours is applied, and every answer is complete."""
    site.plane.admin.patch(REGISTRATION, {"metadata": {"annotations": {LAST_APPLIED: None}}})
    polls, _ = take_over(site, *served)
    assert len(polls) > 20
    assert [poll for poll in polls if poll.problem] == []


def test_applied_alone_it_takes_over_with_a_gap(site: Site, served: tuple[Service, Server]) -> None:
    """Without that step kubectl turns verification on too early; the gap ends when the old pods have gone."""
    polls, alone = take_over(site, *served)
    failed = [poll for poll in polls if poll.problem]
    assert failed
    assert [poll for poll in failed if poll.time > alone + SETTLED] == []


def take_over(site: Site, pods: Service, before: Server) -> tuple[list[Poll], float]:
    """Apply ours and do what a Deployment does: the new pod is to be ready before the old one goes.

    Returns:
        How a client fared, and from when on only ours was there.
    """
    ours, client = printed(), site.plane.client(site.plane.authorities.admin)
    after = site.new_server(f"after-{time.monotonic_ns()}", ours)
    with ExitStack() as stack:
        polls = stack.enter_context(polled(client, len(site.nodes)))
        file = site.apply(adapted(ours, pods.port))
        with site.serving(after):
            eventually(lambda: after.call(None).get("/readyz") == "ok", within=30, needs=(after.process,))
            pods.lead_to(before.port, after.port)
            pods.lead_to(after.port)
            before.process.stop()
            alone = time.monotonic()
            for version in objects.VERSIONS:
                eventually(partial(site.verified, version), within=60, needs=(after.process,))
            eventually(lambda: polls[-1].time > alone + SETTLED + 1, within=30)
            stack.close()
            assert site.diff(file) == ""
    done = site.kubectl("delete", "--ignore-not-found", "-f", str(file))
    assert done.returncode == 0, done.stderr
    return polls, alone
