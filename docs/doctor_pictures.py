"""Draws ``docs/doctor.svg`` from fixed evidence, by rich's own export; ``make docs`` runs it."""

from __future__ import annotations

import io
from pathlib import Path

from docs.svg import drawn
from rich.console import Console
from rich.text import Text
from tests.doctor.kubelets import NO_CERTIFICATE, failing, pending

from kubevitals.cli.diagnosis import print_text
from kubevitals.doctor.redact import without_tokens
from kubevitals.doctor.report import examine

_WIDTH = 100


def picture() -> str:
    """Return a terminal of 100 columns in which the doctor names kubelets that wait for their certificates."""
    evidence = failing(NO_CERTIFICATE, requests=[pending("csr-7xk2p", "node-2")])
    console = Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print(Text("$ kubevitals doctor", "bold"))
    print_text(examine(evidence), without_tokens, console)
    return drawn(console, "doctor")


if __name__ == "__main__":
    Path(__file__).with_name("doctor.svg").write_text(picture(), encoding="utf-8")
