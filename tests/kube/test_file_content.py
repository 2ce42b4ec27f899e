"""kube.files: bytes that may change while the server runs."""

from __future__ import annotations

import re

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.files import FileContent, FixedContent


def test_a_file_is_read_again_when_it_is_due(tmp_path, clock):
    """What is known is at most sixty seconds old."""
    path = tmp_path / "token"
    path.write_bytes(b"one")
    content = FileContent(path, "token", clock)
    path.write_bytes(b"two")
    clock.at += 59

    assert content.content() == b"one"

    clock.at += 1

    assert content.content() == b"two"


def test_a_clock_set_back_does_not_postpone_the_next_look(tmp_path, clock):
    """A wall clock that jumps back an hour must not keep an old token for an hour."""
    path = tmp_path / "token"
    path.write_bytes(b"one")
    content = FileContent(path, "token", clock)
    path.write_bytes(b"two")
    clock.at -= 3600

    assert content.content() == b"two"


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b" \n")])
def test_the_last_good_content_survives(tmp_path, clock, caplog, spoil):
    """A file that is gone or empty changes nothing, and is logged once."""
    path = tmp_path / "token"
    path.write_bytes(b"one")
    content = FileContent(path, "token", clock)
    spoil(path)

    assert [content.reread(), content.reread(), content.content()] == [False, False, b"one"]
    assert [record.getMessage() for record in caplog.records] == ["Keeping the last good content of a file"]


def test_reread_tells_whether_something_changed(tmp_path, clock):
    """The answer decides whether a refused request is tried again."""
    path = tmp_path / "token"
    path.write_bytes(b"one")
    content = FileContent(path, "token", clock)
    same = content.reread()
    path.write_bytes(b"two")

    assert (same, content.reread()) == (False, True)


def test_a_missing_file_is_named(tmp_path, clock):
    """The error says what the file is for, where it should be, and why it cannot be read."""
    expected = re.escape(f'tokenFile of user "jane": cannot read {tmp_path}/none: No such file or directory')
    with pytest.raises(ConfigError, match=expected):
        FileContent(tmp_path / "none", 'tokenFile of user "jane"', clock)


def test_fixed_content_never_changes():
    """Bytes from the configuration itself have nothing to be read again."""
    content = FixedContent(b"pem")

    assert (content.content(), content.reread()) == (b"pem", False)
