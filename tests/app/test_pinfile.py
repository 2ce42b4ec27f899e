"""The file of pins: kept by the server, edited by a person."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kubevitals.app.pinfile import PinFile
from kubevitals.errors import ConfigError
from kubevitals.scraper import pins
from kubevitals.scraper.certificate import Certificate


def shown(digit: str) -> Certificate:
    return Certificate(digit * 64, "kubelet", "ca", (), 0.0, 1.0)


def test_pins_outlive_the_server(tmp_path: Path) -> None:
    """What was seen first is in the file after the next look, for the owner alone, and holds in the next run."""
    path = tmp_path / "pins"
    file = PinFile(path)
    assert file.judge("n1", shown("a")) is None
    assert file.judge("n2", shown("b")) is None
    file.poll()
    assert pins.read(path.read_text()) == {"n1": "a" * 64, "n2": "b" * 64}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["pins"]

    again = PinFile(path)
    assert again.judge("n1", shown("a")) is None
    refused = again.judge("n1", shown("c"))
    assert refused is not None
    assert str(path) in refused.remedy


def test_a_person_accepts_one_node_by_deleting_its_line(tmp_path: Path) -> None:
    """All others stay as they are, and so does what was seen since the file was written."""
    path = tmp_path / "pins"
    file = PinFile(path)
    for node in ("n1", "n2"):
        file.judge(node, shown("a"))
    file.poll()
    file.judge("n3", shown("a"))
    path.write_text(path.read_text().replace(f"n1 sha256:{'a' * 64}\n", ""))
    file.poll()
    assert file.judge("n1", shown("b")) is None
    assert file.judge("n2", shown("b")) is not None
    assert file.judge("n3", shown("b")) is not None
    file.poll()
    assert pins.read(path.read_text()) == {"n1": "b" * 64, "n2": "a" * 64, "n3": "a" * 64}


def test_a_node_that_is_gone_takes_its_pin_along(tmp_path: Path) -> None:
    """Another node of that name begins anew, and the file does not grow for ever."""
    file = PinFile(tmp_path / "pins")
    file.judge("n1", shown("a"))
    file.poll()
    file.forget("n1")
    file.poll()
    assert pins.read((tmp_path / "pins").read_text()) == {}
    assert file.judge("n1", shown("b")) is None


def test_a_file_that_goes_bad_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The pins in memory hold on, one line in the log says that someone must act, and one that it is mended."""
    path = tmp_path / "pins"
    file = PinFile(path)
    file.judge("n1", shown("a"))
    file.poll()
    good = path.read_text()
    with caplog.at_level("INFO", logger="kubevitals"):
        path.write_text("n1 accept anything\n")
        for _ in range(3):
            file.poll()
        assert file.judge("n1", shown("b")) is not None
        path.write_text(good)
        file.poll()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [("ERROR", "The kubelets' pins cannot be kept"), ("INFO", "The kubelets' pins are kept again")]


def test_a_deleted_file_is_written_again(tmp_path: Path) -> None:
    """That a volume came up empty must not make the server accept every certificate."""
    path = tmp_path / "pins"
    file = PinFile(path)
    file.judge("n1", shown("a"))
    file.poll()
    path.unlink()
    file.poll()
    assert file.judge("n1", shown("b")) is not None
    assert pins.read(path.read_text()) == {"n1": "a" * 64}


@pytest.mark.parametrize("content", [b"not a pin\n", b"\xff\xfe"])
def test_a_file_that_cannot_be_used_is_told_at_the_start(tmp_path: Path, content: bytes) -> None:
    """Flag, file and reason are in the message."""
    path = tmp_path / "pins"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"--kubelet-tls-pin: cannot use .*pins: "):
        PinFile(path)
    with pytest.raises(ConfigError, match=r"--kubelet-tls-pin: cannot use .*: No such file or directory"):
        PinFile(tmp_path / "none" / "pins")
