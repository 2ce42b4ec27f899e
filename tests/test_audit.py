"""What the audit of the pins makes of a report."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("audit", Path(__file__).parents[1] / "requirements/audit.py")
assert _spec is not None
assert _spec.loader is not None
audit = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(audit)

FINE = {"name": "click", "version": "8.5.1", "vulns": []}
SKIPPED = {"name": "aiohttp", "skip_reason": "could not be audited"}
BAD = {"name": "pyyaml", "version": "5.3", "vulns": [{"id": "CVE-2020-14343", "fix_versions": ["5.4"]}]}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([FINE, SKIPPED], 0, "1 of 2 packages audited, no known vulnerability"),
        ([SKIPPED], 0, "not audited: the service that was asked knows none of the packages"),
        ([FINE, BAD], 1, "known vulnerabilities, raise these pins:\n  pyyaml 5.3: CVE-2020-14343 (fixed in 5.4)"),
    ],
)
def test_a_vulnerability_fails_and_a_gap_is_told(packages: list[object], code: int, said: str) -> None:
    """Only what is known to be bad fails; what could not be asked is not passed off as audited."""
    assert audit.judge(json.dumps({"dependencies": packages})) == (code, said)


def test_nobody_to_ask_is_no_failure() -> None:
    """A machine without a network can still check a change."""
    code, said = audit.judge("")
    assert code == 0
    assert said.startswith("not audited")
