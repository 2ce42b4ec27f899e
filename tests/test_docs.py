"""The documents, held to the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kubevitals import __version__
from kubevitals.cli import COMMANDS

ROOT = Path(__file__).parents[1]
DIFFERENCES = (ROOT / "docs/differences.md").read_text()
PINS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DIFFERENCES)


def rows() -> list[str]:
    lines = [line for line in DIFFERENCES.splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith(("| metrics-server |", "|---"))]


def test_every_difference_names_its_test():
    """A difference that no test pins is an accident."""
    assert [row for row in rows() if "::test_" not in row] == []
    assert len(PINS) == len(rows())


@pytest.mark.parametrize(("file", "test"), sorted(set(PINS)))
def test_the_test_of_a_difference_exists(file: str, test: str):
    """The test that a difference names is there."""
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), re.M)


@pytest.mark.parametrize(
    "page",
    sorted(p for p in ROOT.glob("**/*.md") if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)),
)
def test_links_lead_somewhere(page: Path):
    """Every relative link of a document leads to a file."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_both_readmes_have_the_two_commands(page: str):
    """A newcomer needs two commands, in either language."""
    text = (ROOT / page).read_text()
    assert "$ make demo" in text
    assert "$ make test" in text


def test_the_two_readmes_have_the_same_shape():
    """A section that is added to one is added to the other."""

    def shape(page: str) -> list[tuple[int, int]]:
        sections = re.split(r"^#+ ", (ROOT / page).read_text(), flags=re.M)
        return [(section.count("\n|"), section.count("```")) for section in sections]

    assert shape("README.md") == shape("README.zh-CN.md")


def test_versions_agree():
    """The package, the changelog and the project file name one version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest is not None
    assert __version__ == project == newest.group(1)


def test_every_command_is_in_the_readme():
    """What the program can do is told on its first page."""
    text = (ROOT / "README.md").read_text()
    assert [command for command in COMMANDS if f"kubevitals {command}" not in text] == []


def test_every_make_target_of_the_readme_exists():
    """The table of targets and the Makefile agree."""
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make (\w+)", (ROOT / "README.md").read_text())) <= targets


def test_no_lock_file_names_a_host():
    """Pins are hashes; where packages come from is the reader's business."""
    texts = {path.name: path.read_text() for path in ROOT.glob("requirements/*.txt")}
    assert [name for name, text in texts.items() if "://" in text] == []
    assert all("--hash=sha256:" in text for text in texts.values())
