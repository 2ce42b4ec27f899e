"""Files are followed however they change, and a bad one changes nothing."""

from __future__ import annotations

import logging
import os

import pytest

from kubevitals.errors import ConfigError
from kubevitals.tls import ReloadingFile, ReloadingFiles


def _number(content: bytes) -> int:
    try:
        return int(content)
    except ValueError as error:
        raise ConfigError("it is no number") from error


def test_file_must_be_there_and_good_at_first(tmp_path):
    """The first read raises with the file's name, for a missing file as for a bad one."""
    bad = tmp_path / "bad"
    bad.write_bytes(b"x")

    for path, cause in ((tmp_path / "none", "No such file"), (bad, "it is no number")):
        with pytest.raises(ConfigError, match=cause) as refused:
            ReloadingFile(path, _number)
        assert str(path) in str(refused.value)


def test_change_is_seen_and_a_bad_one_is_not_used(tmp_path):
    """Each poll tells whether the value changed; what is missing or bad keeps the last good value."""
    path = tmp_path / "file"
    path.write_bytes(b"1")
    file = ReloadingFile(path, _number)
    seen = []
    for content in (b"1", b"2", b"x", None, b"2", b"3"):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        seen.append((file.poll(), file.value))

    assert seen == [(False, 1), (True, 2), (False, 2), (False, 2), (False, 2), (True, 3)]


def test_change_within_one_tick_is_seen(tmp_path):
    """A change that leaves size, time and inode as they were is seen all the same."""
    path = tmp_path / "file"
    path.write_bytes(b"1")
    file = ReloadingFile(path, _number)
    before = path.stat()
    path.write_bytes(b"2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (file.poll(), file.value) == (True, 2)


def test_secret_volume_swap_is_seen(tmp_path):
    """Kubernetes swaps a symbolic link to a new directory; both files then change at once."""
    for name, content in (("v1", b"1"), ("v2", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_bytes(content)
        (tmp_path / name / "b").write_bytes(content)
    (tmp_path / "..data").symlink_to("v1")
    for name in "ab":
        (tmp_path / name).symlink_to(f"..data/{name}")
    files = ReloadingFiles((tmp_path / "a", tmp_path / "b"), lambda contents: [int(each) for each in contents])

    (tmp_path / "..new").symlink_to("v2")
    (tmp_path / "..new").replace(tmp_path / "..data")

    assert (files.poll(), files.value, files.poll()) == (True, [2, 2], False)


def test_problem_is_logged_once_and_its_end_too(tmp_path, caplog):
    """A broken file is one line, however often it is read, and one when it is good again."""
    caplog.set_level(logging.INFO, "kubevitals")
    path = tmp_path / "file"
    path.write_bytes(b"1")
    file = ReloadingFile(path, _number)
    for content in (b"x", b"x", b"1", b"1"):
        path.write_bytes(content)
        file.poll()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert (str(path) in caplog.records[0].pairs["problem"], file.problem) == (True, "")
