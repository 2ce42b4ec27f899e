"""Flags that are said to do something, and where they do it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kubevitals import app
from kubevitals.settings import Settings
from kubevitals.settings.flags import ACCEPTED, FLAGS

SOURCES = Path(app.__file__).parent
FILES = [*SOURCES.glob("*.py"), SOURCES.parent / "cli/serve.py"]


def read_attributes() -> set[str]:
    """Every attribute that is read of settings, by whatever name they go."""
    nodes = (node for path in FILES for node in ast.walk(ast.parse(path.read_text())))
    return {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("settings", "self._settings", "chosen")
    }


@pytest.mark.parametrize("name", list(Settings.__dataclass_fields__))
def test_every_setting_is_used(name: str) -> None:
    """A flag that has an effect is read where the program is put together."""
    assert name in read_attributes()


def test_flags_without_effect_are_no_settings() -> None:
    """What is accepted and ignored cannot be read by mistake."""
    ignored = {flag.attribute for flag in FLAGS if flag.mark == ACCEPTED}

    assert ignored & set(Settings.__dataclass_fields__) == set()
