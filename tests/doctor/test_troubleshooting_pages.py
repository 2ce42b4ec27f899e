"""Every row of the catalogue has its section in both languages, and there is none without a row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubevitals.doctor.catalogue import CHECKS

DOCS = Path(__file__).resolve().parents[2] / "docs"
HEADING = re.compile(r"^## (D\d\d) · (.+)$", re.MULTILINE)


@pytest.mark.parametrize("page", ["troubleshooting.md", "troubleshooting.zh-CN.md"])
def test_every_row_has_its_section(page):
    """The page's headings are the catalogue's ids, each once and in their order."""
    ids = [id_ for id_, _ in HEADING.findall((DOCS / page).read_text(encoding="utf-8"))]
    assert ids == sorted(check.id for check in CHECKS)


def test_headings_are_the_titles():
    """A section is called what the finding is called."""
    titles = dict(HEADING.findall((DOCS / "troubleshooting.md").read_text(encoding="utf-8")))
    assert titles == {check.id: check.title for check in CHECKS}
