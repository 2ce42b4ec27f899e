from __future__ import annotations

import pytest

from kubevitals.api.etag import etag_of, not_modified


def test_etag_is_a_quoted_hash() -> None:
    """An ETag is the document's SHA-512 in upper case, quoted."""
    tag = etag_of(b"abc")
    assert tag.startswith('"DDAF35A193617ABACC417349AE204131')
    assert len(tag) == 130


def test_etag_changes_with_the_document() -> None:
    """Two documents never share a tag."""
    assert etag_of(b"a") != etag_of(b"b")


@pytest.mark.parametrize(
    ("header", "held"),
    [
        ("", False),
        ('"A"', True),
        ('"B"', False),
        ("A", False),
        ('W/"A"', True),
        ('"B", "A"', True),
        ("*", True),
    ],
)
def test_not_modified(header: str, held: bool) -> None:
    """A caller that names the tag already holds the document."""
    assert not_modified('"A"', header) is held
