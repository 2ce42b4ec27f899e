"""What kube-apiserver has to say about the server after a while; last, so that most of the while has passed."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime

import pytest
from tests.e2e.world import World
from tests.processes import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SECONDS = float(os.environ.get("KUBEVITALS_E2E_QUIET", "30"))  # CI waits for five minutes


def test_kubectl_explains_the_fields(cluster: World) -> None:
    """The merged OpenAPI document carries fields and their descriptions."""

    def explained() -> bool:
        done = cluster.kubectl("explain", "podmetrics.containers", "--output=plaintext-openapiv2")
        return done.returncode == 0 and "usage" in done.stdout and "DESCRIPTION" in done.stdout

    eventually(explained, within=90, every=2)


def test_kube_apiserver_does_not_complain(cluster: World) -> None:
    """From a minute after the server's start on, no error or warning names its APIServices."""
    settled = cluster.server.process.started + 60  # it is registered before it starts, so the first probes fail
    eventually(lambda: time.time() >= settled + SECONDS, within=SECONDS + 90, every=1)
    assert [line for line in _complaints(cluster) if _moment(line) > settled] == []
    assert cluster.available("v1beta1")
    assert cluster.available("v1")


def _complaints(cluster: World) -> list[str]:
    lines = cluster.plane.api_server.log.read_text(errors="replace").splitlines()
    return [line for line in lines if re.match(r"[EW]\d{4} ", line) and "metrics.k8s.io" in line]


def _moment(line: str) -> float:
    """The seconds since the epoch of a line that begins as klog's do, such as ``E1122 21:12:29.676951``."""
    written = datetime.strptime(f"{datetime.now().year}{line[1:21]}", "%Y%m%d %H:%M:%S.%f")
    return written.timestamp()
