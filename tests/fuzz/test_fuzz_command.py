"""The command line of ``python -m fuzz``, without atheris."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from fuzz.__main__ import main


def test_without_atheris_a_sentence_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, and what to do about it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["decoder"]) == 2
    assert (
        capsys.readouterr().err == "fuzz: atheris is not installed here; make fuzz installs it where it has a wheel\n"
    )


def test_an_input_can_be_tried_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Atheris is not needed for that."""
    kept = tmp_path / "kept"
    kept.write_bytes(b"app in (")
    assert main(["selectors", str(kept)]) == 0
    assert capsys.readouterr().out == f"{kept}: the promise holds\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nonsense"], "invalid choice"),
        (["decoder", "--seconds", "0"], "'0' is no whole number above 0"),
        (["decoder", "/nowhere/at/all"], "fuzz: /nowhere/at/all: No such file or directory"),
        (["all", "/nowhere/at/all"], "fuzz: name the target that the files belong to"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what is wrong."""
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert problem in capsys.readouterr().err
