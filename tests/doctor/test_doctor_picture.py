"""The picture on the first page, held to the code."""

from __future__ import annotations

from pathlib import Path

from docs.doctor_pictures import picture

PICTURE = Path(__file__).parents[2] / "docs" / "doctor.svg"


def test_the_picture_shows_what_is_printed():
    """``make docs`` draws it anew."""
    assert PICTURE.read_text(encoding="utf-8") == picture()
