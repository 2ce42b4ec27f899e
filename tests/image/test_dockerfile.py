"""The Dockerfile, held to what ``deploy/image/try`` can try."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy/image"
TEXT = re.sub(r" \\\n\s*", " ", (IMAGE / "Dockerfile").read_text())
INSTRUCTIONS = [line.split(" ", 1) for line in TEXT.splitlines() if line and not line.startswith("#")]
STEPS = re.search(r'^steps="(.*)"$', (IMAGE / "install.sh").read_text(), re.M)


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def pairs(instruction: str) -> dict[str, str]:
    return dict(re.findall(r'(\S+)="?((?<==")[^"]*|[^"\s]*)"?', " ".join(arguments(instruction))))


def test_the_image_is_made_by_the_steps_that_are_tried():
    """It runs install.sh and nothing else, with every step in the order that the script gives them."""
    assert STEPS is not None
    runs = [run.split() for run in arguments("RUN")]
    assert {tuple(run[:2]) for run in runs} == {("deploy/image/install.sh", "/image")}
    assert [step for run in runs for step in run[2:]] == STEPS.group(1).split()


def test_the_environment_is_the_one_that_is_tried():
    """What a variable changes is seen by the checks."""
    code = "import container, json; print(json.dumps(container.ENVIRONMENT))"
    found = subprocess.run([sys.executable, "-B", "-c", code], cwd=IMAGE, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == pairs("ENV")


def test_every_variable_has_its_reason():
    """Each is named in a comment above."""
    comments = " ".join(line for line in TEXT.splitlines() if line.startswith("# "))
    assert [name for name in pairs("ENV") if not re.search(rf"\b{name}[,:]", comments)] == []


def test_it_says_what_it_is():
    """The labels that scanners and registries read."""
    names = ["title", "description", "version", "revision", "source", "licenses"]
    assert list(pairs("LABEL")) == [f"org.opencontainers.image.{name}" for name in names]


def test_it_runs_as_nobody_in_particular():
    """By number, because Kubernetes cannot tell whether a name is root's."""
    assert arguments("USER") == ["1000:1000"]


def test_the_base_can_be_pinned_and_has_no_address():
    """The one base is an argument; the final stage has none."""
    assert arguments("FROM") == ["${PYTHON_IMAGE} AS build", "scratch"]
    default = next(rest for rest in arguments("ARG") if rest.startswith("PYTHON_IMAGE=")).partition("=")[2]
    assert re.fullmatch(r"python:3\.\d+(-slim)?(@sha256:[0-9a-f]{64})?", default)


def test_what_it_copies_is_sent_to_the_build():
    """.dockerignore lets everything through that is copied, and it is there."""
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [name for rest in arguments("COPY") if "--from" not in rest for name in rest.split()[:-1]]
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / name).exists() for name in copied)


def test_what_cannot_be_tried_is_told(tmp_path):
    """A machine without the programs, or a user who is not root, gets a sentence and exit code 2."""
    found = subprocess.run(
        [sys.executable, "-B", IMAGE / "try.py"],
        capture_output=True, text=True, check=False, env={**os.environ, "PATH": str(tmp_path)},
    )  # fmt: skip
    assert found.returncode == 2
    assert found.stderr.startswith("try: this machine lacks unshare, mount")
    assert "Traceback" not in found.stderr


def test_a_step_that_is_none_is_refused(tmp_path):
    """The script names the steps there are."""
    found = subprocess.run(
        [IMAGE / "install.sh", tmp_path / "root", "nonsense"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHON": sys.executable},
    )  # fmt: skip
    assert found.returncode == 2
    assert "there is no step nonsense" in found.stderr
