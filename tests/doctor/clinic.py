"""A simulated cluster, and the doctor that looks at it with an administrator's kubeconfig."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from kubevitals.cli import doctor
from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.redact import without_tokens
from kubevitals.doctor.report import Report, examine
from kubevitals.doctor.scope import WHOLE, Scope
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import load_kubeconfig
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.rbac import MASTERS

GOLDEN = Path(__file__).parent / "golden"
_CHANGING = ((re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"), (re.compile(r"\b\d+ s old"), "N s old"))


async def evidence_of(
    cluster: Cluster, *, scope: Scope = WHOLE, user: str = "admin", groups: tuple[str, ...] = (MASTERS,)
) -> Evidence:
    """What the doctor sees, under some identity."""
    config = load_kubeconfig([cluster.kubeconfig(user, groups)], now=lambda: 0.0, environ={})
    async with ApiClient(config) as client:
        return await doctor.look(client, scope, lambda words: None)


async def report_of(
    cluster: Cluster, *, scope: Scope = WHOLE, user: str = "admin", groups: tuple[str, ...] = (MASTERS,)
) -> Report:
    """What it concludes."""
    return examine(await evidence_of(cluster, scope=scope, user=user, groups=groups), scope=scope)


def printed(report: Report, *, width: int = 80, clean: Callable[[str], str] = without_tokens) -> str:
    """What a person reads in a terminal without colours, without what differs from run to run."""
    paper = io.StringIO()
    doctor.show(report, "text", clean, Console(file=paper, width=width, color_system=None, legacy_windows=False))
    text = "\n".join(line.rstrip() for line in paper.getvalue().splitlines()) + "\n"
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text


def same_as_golden(name: str, text: str) -> bool:
    """Compare with ``golden/NAME.txt``; KUBEVITALS_GOLDEN=write writes it instead, to be looked at before commit."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KUBEVITALS_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs; printed:\n{text}"
    return True
