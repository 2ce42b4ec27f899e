"""A simulated cluster with a metrics server that was installed as a person installs it, and the doctor beside it."""

from __future__ import annotations

import asyncio
import os
import random
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.doctor.clinic import printed, report_of
from tests.ward.machine import RESOLUTION, Machine
from tests.whole.waiting import eventually

from kubevitals.doctor.finding import Finding
from kubevitals.doctor.redact import without_tokens
from kubevitals.doctor.report import Item, Report
from kubevitals.doctor.scope import WHOLE, Scope
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.rbac import MASTERS

PLAN = Plan(nodes=2, pods=3, housekeeping=0, check_interval=0.2, control_plane=True)
GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("KUBEVITALS_GOLDEN") == "write"
INSTALL = "kubevitals manifests | kubectl apply -f -"
_SETTLED = 3 * RESOLUTION  # seconds for which a picture stays the same, when a golden text is written
_TOOLS = Path(sys.executable).parent


class Ward:
    """A cluster, the machine on which its metrics server runs, and what a person types there.

    Attributes:
        desk: the directory in which the person works.
        scope: what the doctor is asked about.
        user: under whose name the doctor looks, and in which groups.
    """

    def __init__(self, cluster: Cluster, machine: Machine) -> None:
        self.cluster = cluster
        self.machine = machine
        self.scope: Scope = WHOLE
        self.desk = cluster.files.directory / "desk"
        self.desk.mkdir()
        self.user: tuple[str, tuple[str, ...]] = ("admin", (MASTERS,))

    async def types(self, command: str) -> str:
        """Run what a person types at a shell with an administrator's kubeconfig; return what it prints."""
        environ = {
            "PATH": f"{_TOOLS}:{os.defpath}",
            "KUBECONFIG": str(self.cluster.kubeconfig("admin", (MASTERS,))),
            "PYTHONPATH": ":".join(sys.path),
            "HOME": str(self.desk),
        }
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", command, env=environ, cwd=self.desk,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode == 0, f"{command}\n{out.decode()}"
        return out.decode()

    async def examined(self) -> Report:
        """What the doctor concludes now."""
        user, groups = self.user
        return await report_of(self.cluster, scope=self.scope, user=user, groups=groups)

    async def healthy(self) -> None:
        """Wait until the doctor finds nothing."""

        async def well() -> bool:
            report = await self.examined()
            assert report.healthy, self.seen(report)
            return True

        await eventually(well, every=0.1)

    async def diagnosed(self, row: str, name: str = "") -> Finding:
        """Wait until the doctor says what a golden text shows, with this row first; return the finding.

        Args:
            row: of the catalogue.
            name: of the text, where a row has several.
        """
        return await self._told(row, name or row, lambda report: report.first)

    async def noted(self, row: str) -> Finding:
        """Wait until the doctor says what a golden text shows, with this row as something good to know."""
        return await self._told(row, row, lambda report: next(iter(report.notes), None))

    async def _told(self, row: str, name: str, item: Callable[[Report], Item | None]) -> Finding:
        file = golden(name)
        last: list[Finding] = []

        async def found() -> bool:
            report = await self.examined()
            told = item(report)
            assert told is not None, self.seen(report)
            assert told.check.id == row, self.seen(report)
            assert WRITE or self.seen(report) == file.read_text(encoding="utf-8"), self.seen(report)
            last[:] = [told.finding]
            return True

        await eventually(found, every=0.1)
        if WRITE:
            await self._written(file)
        return last[0]

    async def _written(self, file: Path) -> None:
        texts = [""]

        async def settled() -> bool:
            texts.append(self.seen(await self.examined()))
            await asyncio.sleep(_SETTLED)
            return texts[-1] == texts[-2]

        await eventually(settled)
        file.write_text(texts[-1], encoding="utf-8")

    def seen(self, report: Report) -> str:
        """What a person reads, with names for what differs from run to run."""
        return printed(report, clean=self._steady)

    def _steady(self, text: str) -> str:
        names = {
            self.machine.address: "POD_ADDRESS",
            self.cluster.api.url: "https://API_SERVER",
        }
        for known, name in names.items():
            text = text.replace(known, name)
        text = re.sub(rf"\b{self.cluster.fleet.port}\b", "KUBELET_PORT", text)
        for pattern, instead in _CHANGING:
            text = pattern.sub(instead, text)
        return without_tokens(text)


_CHANGING = (
    (re.compile(r"(?<=the name does not resolve: )[A-Z][a-z ]+"), "WHY"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)? s (old|behind|ahead)"), r"N s \1"),
    (re.compile(r"\b\d\d:\d\d:\d\d UTC"), "HH:MM:SS UTC"),
    (re.compile(r"\b(for|in|Wait) \d+ s\b"), r"\1 N s"),
    (re.compile(r"@\d{9,}"), "@N"),
)


def golden(row: str) -> Path:
    """The file with the text of a row."""
    return GOLDEN / f"{row}.txt"


@asynccontextmanager
async def ward(*, installed: bool = True) -> AsyncIterator[Ward]:
    """Run a cluster and its machine; the metrics server is installed as the README says."""
    one_of_many = f"127.{random.randrange(100, 200)}.{random.randrange(250)}.{random.randrange(1, 250)}"
    async with Cluster(PLAN, now=time.time, random=random.random) as cluster:
        machine = Machine(cluster, one_of_many)
        async with machine.following():
            found = Ward(cluster, machine)
            if installed:
                await found.types(INSTALL)
                await found.healthy()
            yield found
