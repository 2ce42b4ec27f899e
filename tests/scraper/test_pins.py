"""Certificates of first use, as text."""

from __future__ import annotations

import pytest

from kubevitals.errors import ConfigError
from kubevitals.scraper import pins

A, B = "a" * 64, "0123456789abcdef" * 4


def test_what_is_written_is_read():
    """A line for each node, by name, below a comment that says what a person can do."""
    text = pins.written({"node-b": B, "node-a.example": A})
    assert text.splitlines()[1:] == [f"node-a.example sha256:{A}", f"node-b sha256:{B}"]
    assert "Delete a node's line" in text.splitlines()[0]
    assert pins.read(text) == {"node-b": B, "node-a.example": A}
    assert pins.read(pins.written({})) == {}
    assert pins.read(f"\n  # a remark\n  n1 sha256:{A}  \n\n") == {"n1": A}


@pytest.mark.parametrize(
    "line",
    [
        "node-a",
        f"node-a {A}",
        f"node-a sha256:{A[1:]}",
        f"node-a sha256:{A}0",
        f"node-a sha1:{A}",
        f"Node sha256:{A}",
        f"node a sha256:{A}",
        f"../x sha256:{A}",
        f"node-a sha256:{A.upper()}",
        "\x1b[2Jnode",
    ],
)
def test_anything_else_is_refused_with_its_line(line):
    """A file that was damaged is not half believed; the message shows no control characters."""
    with pytest.raises(ConfigError, match="line 2 is not of the form NODE sha256") as raised:
        pins.read(f"# head\n{line}\n")
    assert "\x1b" not in str(raised.value)
