"""Asks whether what is pinned has known vulnerabilities: ``python requirements/audit.py``, a part of ``make check``.

Where no service can be asked, as on a machine without a network, it says so and fails nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PINS = ("run.txt", "build.txt")
_ASK = (sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--timeout", "5", "-f", "json")


def judge(report: str) -> tuple[int, str]:
    """Return an exit code and a sentence for what ``pip-audit`` reported in JSON; nothing when nobody answered."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return 0, "not audited: no service that knows vulnerabilities can be asked from here"
    audited = [each for each in packages if "skip_reason" not in each]
    bad = [f"{each['name']} {each['version']}: {_names(each['vulns'])}" for each in audited if each["vulns"]]
    if bad:
        return 1, "known vulnerabilities, raise these pins:\n  " + "\n  ".join(bad)
    if not audited:
        return 0, "not audited: the service that was asked knows none of the packages"
    return 0, f"{len(audited)} of {len(packages)} packages audited, no known vulnerability"


def _names(vulnerabilities: list[dict[str, object]]) -> str:
    return ", ".join(f"{each['id']} (fixed in {_fixes(each)})" for each in vulnerabilities)


def _fixes(vulnerability: dict[str, object]) -> str:
    versions = vulnerability.get("fix_versions")
    return " or ".join(map(str, versions)) if isinstance(versions, list) and versions else "no version yet"


def main() -> int:
    """Ask about each file of pins, and tell."""
    worst = 0
    for name in PINS:
        path = Path(__file__).with_name(name)
        done = subprocess.run([*_ASK, "-r", str(path)], capture_output=True, text=True, check=False)
        code, sentence = judge(done.stdout)
        print(f"{name}: {sentence}")
        worst = max(worst, code)
    return worst


if __name__ == "__main__":
    sys.exit(main())
