"""Real clusters for the end-to-end tests; without the control plane's binaries every test here is skipped."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.e2e import doctoring, installing
from tests.e2e.control_plane import BINARIES
from tests.e2e.fleet import small_fleet
from tests.e2e.world import World, world
from tests.processes import STARTED

VARIABLE = "KUBEBUILDER_ASSETS"


def pytest_runtest_setup() -> None:
    """Skip, in one sentence, what cannot run on this machine."""
    if reason := _missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder with the control plane's binaries."""
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="session")
def cluster(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cluster in which everything has metrics; tests leave it as they found it."""
    with world(assets, tmp_path_factory.mktemp("cluster"), small_fleet()) as running:
        running.wait_metrics()
        yield running


@pytest.fixture(scope="session")
def site(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[installing.Site]:
    """A cluster without a metrics server; modules leave it so."""
    with installing.site(assets, tmp_path_factory.mktemp("install"), small_fleet()) as found:
        yield found


@pytest.fixture(scope="session")
def patient(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[doctoring.Patient]:
    """A cluster that has what doctor said to install when there was nothing; tests leave it healthy."""
    address = doctoring.own_address()
    if not address:
        pytest.skip(f"This machine has no address besides 127.0.0.1 with a free port {doctoring.PORT}.")
    with doctoring.patient(assets, tmp_path_factory.mktemp("doctor"), small_fleet(), address) as found:
        found.before = found.diagnose()
        found.run_command(found.before.remedy("D01"))
        with doctoring.serving(found, found.new_server("provider", installing.printed())):
            found.healed()
            yield found


@pytest.fixture(scope="module")
def own_cluster(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cluster of the module's own, for tests that break things and mend them."""
    with world(assets, tmp_path_factory.mktemp("own-cluster"), small_fleet(), controllers=False) as running:
        running.wait_metrics()
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the log of every process that may have had a part in a failure."""
    report = yield
    if report.failed:
        for process in (one for one in STARTED if one.running or one.started >= call.start):
            lines = 80 if process.name == "kubevitals" else 15
            report.sections.append((f"end of {process.log}", process.tail(lines)))
    return report


def _missing() -> str:
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        return f"{VARIABLE} is not set: it should name a folder with {', '.join(BINARIES)}."
    absent = [binary for binary in BINARIES if not (Path(folder) / binary).is_file()]
    return f"{VARIABLE} names {folder}, which lacks {', '.join(absent)}." if absent else ""
