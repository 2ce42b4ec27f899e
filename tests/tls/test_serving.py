"""Where the serving certificate comes from, and how it stays good."""

from __future__ import annotations

import os

import pytest

from kubevitals.errors import ConfigError
from kubevitals.tls import KeyPair, selfsigned, serving, serving_certificate

NOW = 1_800_000_000.0
DAY = 86400.0


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch):
    """Two RSA keys for all tests: generating them is what takes the time."""
    keys = _keys()
    monkeypatch.setattr(selfsigned, "_new_key", lambda: next(keys))


def _keys(made=[]):  # noqa: B006 - shared on purpose
    if not made:
        made.extend(selfsigned.rsa.generate_private_key(65537, 2048) for _ in range(2))
    while True:
        yield from made


def _own(directory, clock=None):
    return serving_certificate("", "", cert_dir=str(directory), bind_address="0.0.0.0", now=clock or Clock())


def _files(directory, issued, name="tls"):
    (directory / f"{name}.crt").write_bytes(issued.pem)
    (directory / f"{name}.key").write_bytes(issued.key_pem)
    return str(directory / f"{name}.crt"), str(directory / f"{name}.key")


def _given(files):
    return serving_certificate(*files, cert_dir="", bind_address="", now=Clock())


def test_certificate_is_generated_into_the_directory(tmp_path):
    """Without files a pair is made, written with its proper modes, and found again by the next start."""
    directory = tmp_path / "a" / "certificates"
    first = _own(directory)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in directory.iterdir()}

    assert modes == {"apiserver.crt": "0o644", "apiserver.key": "0o600"}
    assert (_own(directory).pair, first.reload()) == (first.pair, False)


def test_files_in_the_directory_are_used_as_they_are(tmp_path, pki):
    """A pair that lies in the directory is used, even when it has expired, and never replaced."""
    issued = pki.Authority().serving("localhost", end=pki.now - 1)
    _files(tmp_path, issued, "apiserver")
    own = _own(tmp_path)

    assert (own.pair.chain, own.reload(), own.pair.chain) == (issued.pem, False, issued.pem)


@pytest.mark.parametrize(("present", "missing"), [("crt", "key"), ("key", "crt")])
def test_one_file_alone_stops_the_start(tmp_path, present, missing):
    """Half a pair is somebody's mistake, and nothing is overwritten."""
    (tmp_path / f"apiserver.{present}").write_bytes(b"precious")

    with pytest.raises(ConfigError) as refused:
        _own(tmp_path)

    text = f"error reading {tmp_path}/apiserver.{missing}, certificate and key must be supplied as a pair"
    assert str(refused.value).startswith(text)
    assert (tmp_path / f"apiserver.{present}").read_bytes() == b"precious"


def test_generated_certificate_is_renewed_before_it_expires(tmp_path):
    """A generated pair is replaced, in the directory too, when thirty days of its year are left."""
    clock = Clock()
    own = _own(tmp_path, clock)
    first = own.pair
    clock.now += 334 * DAY
    early = own.reload()
    clock.now += 1 * DAY

    assert (early, own.reload(), own.reload()) == (False, True, False)
    assert own.pair.leaf.not_valid_after_utc > first.leaf.not_valid_after_utc
    assert _own(tmp_path, clock).pair == own.pair


def test_expired_generated_certificate_is_renewed_by_the_first_reload(tmp_path):
    """What an earlier start generated is renewed by a later one when its time is over."""
    clock = Clock()
    _own(tmp_path, clock)
    clock.now += 400 * DAY
    own = _own(tmp_path, clock)

    assert own.reload()
    assert own.pair.leaf.not_valid_after_utc.timestamp() > clock.now


def test_directory_that_cannot_be_written_is_no_obstacle(tmp_path, caplog):
    """On a read-only file system the pair lives in memory, and one line says so."""
    (tmp_path / "file").write_bytes(b"")
    own = _own(tmp_path / "file" / "certificates")

    assert (isinstance(own.pair, KeyPair), own.reload()) == (True, False)
    assert ["kept in memory only" in record.message for record in caplog.records] == [True]


def test_somebody_elses_pair_in_the_directory_is_followed(tmp_path, pki):
    """Files in the directory are read again like any others."""
    own = _own(tmp_path)
    issued = pki.Authority().serving("localhost")
    _files(tmp_path, issued, "apiserver")

    assert (own.reload(), own.pair.chain) == (True, issued.pem)


@pytest.mark.parametrize("files", [("a.crt", ""), ("", "a.key")])
def test_one_flag_alone_stops_the_start(files):
    """Certificate and key are given together or not at all."""
    with pytest.raises(ConfigError, match="missing filename for serving cert"):
        _given(files)


def test_given_files_must_match(tmp_path, pki):
    """A pair that is none stops the start, with the files' names."""
    certificate, _ = _files(tmp_path, pki.Authority().serving("a"), "a")
    _, key = _files(tmp_path, pki.Authority().serving("b"), "b")

    with pytest.raises(ConfigError, match="does not belong") as refused:
        _given((certificate, key))
    assert certificate in str(refused.value)
    assert key in str(refused.value)


def test_given_files_are_followed_and_a_broken_pair_is_not_used(tmp_path, pki, caplog):
    """While a new pair is half written the old one is shown; the problem is logged once."""
    old, new = pki.Authority().serving("a"), pki.Authority().serving("a")
    certificate, key = _files(tmp_path, old)
    given = _given((certificate, key))
    (tmp_path / "tls.crt").write_bytes(new.pem)
    seen = [(given.reload(), given.pair.chain) for _ in range(2)]
    (tmp_path / "tls.key").write_bytes(new.key_pem)
    seen.append((given.reload(), given.pair.chain))

    assert seen == [(False, old.pem), (False, old.pem), (True, new.pem)]
    assert ["does not belong" in record.pairs["problem"] for record in caplog.records] == [True]


def test_secret_volume_is_followed(tmp_path, pki):
    """A mounted secret changes by a swap of its ..data link, and both files with it."""
    old, new = pki.Authority().serving("a"), pki.Authority().serving("a")
    for name, issued in (("..v1", old), ("..v2", new)):
        (tmp_path / name).mkdir()
        _files(tmp_path / name, issued)
    os.symlink("..v1", tmp_path / "..data")
    for name in ("tls.crt", "tls.key"):
        os.symlink(f"..data/{name}", tmp_path / name)
    given = _given((str(tmp_path / "tls.crt"), str(tmp_path / "tls.key")))
    os.symlink("..v2", tmp_path / "..data_tmp")
    os.replace(tmp_path / "..data_tmp", tmp_path / "..data")

    assert (given.reload(), given.pair.chain) == (True, new.pem)


def test_written_key_is_private(tmp_path):
    """The key is private to this user even where an old file was not, and under any umask."""
    path = tmp_path / "key"
    path.write_bytes(b"old")
    path.chmod(0o666)
    mask = os.umask(0)
    try:
        serving._replace(path, b"new", 0o600)
    finally:
        os.umask(mask)

    assert (path.read_bytes(), oct(path.stat().st_mode & 0o777)) == (b"new", "0o600")
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
