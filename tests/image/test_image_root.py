"""The image's root directory: made once, listed, and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kubevitals import __version__

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy/image"
PREFIX = "opt/kubevitals"
ENVIRON = {**os.environ, "PYTHON": sys.executable}

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Dockerfile copies into the image."""
    folder = tmp_path_factory.mktemp("image") / "root"
    subprocess.run([IMAGE / "install.sh", folder], env=ENVIRON, check=True)
    return folder


def listed(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / PREFIX / "sbom.cdx.json").read_text())
    return document


def pinned() -> dict[str, str]:
    """What requirements/run.txt installs here, by name."""
    lines = re.findall(r"^([\w.-]+==[^\\\n]+?) *\\$", (ROOT / "requirements/run.txt").read_text(), re.M)
    wanted = [Requirement(line) for line in lines]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in wanted
        if not each.marker or each.marker.evaluate()
    }


def test_it_does_what_an_image_must(root: Path):
    """Confined as a container runtime does it, it explains itself, refuses, measures, serves and stays inside."""
    done = subprocess.run(
        [IMAGE / "try", f"--root={root}"], env=ENVIRON, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_the_list_of_contents_names_every_dependency(root: Path):
    """Each pinned package with its version, and nothing that is not there."""
    found = {canonicalize_name(part["name"]): part["version"] for part in listed(root)["components"]}
    assert len(pinned()) > 10
    assert found == pinned()


def test_the_list_of_contents_says_what_it_is_about(root: Path):
    """Its subject is this version of this project, which depends on what pyproject.toml names."""
    document = listed(root)
    subject = document["metadata"]["component"]
    assert (subject["name"], subject["version"], subject["type"]) == ("kubevitals", __version__, "application")
    depends = next(entry for entry in document["dependencies"] if entry["ref"] == subject["bom-ref"])
    assert any("aiohttp" in reference for reference in depends["dependsOn"])


def test_the_list_of_contents_is_the_same_each_time(root: Path):
    """Equal contents give equal bytes, which name neither this machine nor this hour."""
    path = root / PREFIX / "sbom.cdx.json"
    before = path.read_bytes()
    path.unlink()
    subprocess.run([IMAGE / "install.sh", root, "sbom"], env=ENVIRON, check=True)
    assert path.read_bytes() == before
    assert str(root).encode() not in before
    assert "timestamp" not in listed(root)["metadata"]


def test_scanners_learn_what_came_from_the_base(root: Path):
    """Where the base has dpkg, the records of the libraries' packages are kept where scanners look."""
    records = root / "var/lib/dpkg/status.d"
    if not Path("/var/lib/dpkg/status").exists():
        pytest.skip("This machine has no dpkg.")
    names = [re.search(r"^Package: (.+)$", path.read_text(), re.M) for path in records.iterdir()]
    assert {"libc6", "ca-certificates"} <= {name.group(1) for name in names if name}
