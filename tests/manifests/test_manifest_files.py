"""The files in ``deploy/``, held to the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubevitals.cli import kubevitals
from kubevitals.manifests import Options, page

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = {"components.yaml": Options(), "high-availability.yaml": Options(replicas=2)}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_the_code_prints(name: str) -> None:
    """What is committed is what ``make deploy`` writes."""
    assert (DEPLOY / name).read_text() == page(FILES[name]), "run: make deploy"


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.yaml")), ids=lambda path: path.name)
def test_the_command_in_a_file_prints_the_file(path: Path) -> None:
    """Its head names a command that gives exactly this file, and the Makefile runs that command."""
    content = path.read_text()
    command = re.findall(r"^#   (kubevitals manifests.*)$", content, re.MULTILINE)
    assert len(command) == 1
    done = CliRunner().invoke(kubevitals, shlex.split(command[0])[1:])
    assert (done.exit_code, done.output) == (0, content)
    assert f"$(BIN)/{command[0]} > deploy/{path.name}\n" in (ROOT / "Makefile").read_text()


def test_every_option_is_in_the_documents() -> None:
    """The page about installing names every option of the command."""
    known = kubevitals.get_command(None, "manifests")  # type: ignore[arg-type]
    assert known is not None
    options = {name for parameter in known.params for name in parameter.opts}
    documented = set(re.findall(r"`(--[a-z-]+)[=`]", (ROOT / "docs/install/yaml.md").read_text()))
    assert options - documented == set()
