"""Options: what is refused and in which words, and the command that makes them again."""

from __future__ import annotations

import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.manifests.choices import CHOICES, ids

from kubevitals.cli.manifests import manifests
from kubevitals.errors import UsageError
from kubevitals.manifests import Options, objects


def problems(options: Options) -> list[str]:
    """Every line that is said about the options."""
    with pytest.raises(UsageError) as refused:
        objects(options)
    return list(refused.value.problems)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(name=""), "--name"),
        (Options(name="Metrics"), "--name"),
        (Options(name="1st"), "--name"),
        (Options(name="a-"), "--name"),
        (Options(name="a" * 64), "at most 63"),
        (Options(name="a\n"), r"\n"),
        (Options(namespace="a.b"), "--namespace"),
        (Options(namespace=""), "--namespace"),
        (Options(image=""), "--image"),
        (Options(image="a b"), "no image reference"),
        (Options(image="$(reboot)"), "no image reference"),
        (Options(replicas=0), "--replicas"),
        (Options(pins=True, kubelet_insecure_tls=True), "--pins and --kubelet-insecure-tls"),
        (Options(metric_resolution="5s"), "at least 10s"),
        (Options(metric_resolution="soon"), "--metric-resolution"),
        (Options(metric_resolution=""), "--metric-resolution"),
        (Options(arg=("v=2",)), "write --arg=--FLAG=VALUE"),
        (Options(arg=("--",)), "write --arg=--FLAG=VALUE"),
        (Options(arg=("",)), "write --arg=--FLAG=VALUE"),
        (Options(arg=("--external-hostname=a\nkind: x",)), "cannot be shown"),
        (Options(arg=("--no-such-flag",)), "unknown flag: --no-such-flag"),
        (Options(arg=("--secure-port=0",)), "--secure-port"),
        (Options(arg=("--help",)), "end at once"),
        (Options(arg=("--version",)), "end at once"),
        (Options(arg=("--managed-tls=a/b",)), "use --namespace and --name"),
        (Options(arg=("--kubelet_tls_pin=/pins",)), "use --pins"),
        (Options(arg=("--publish-events",)), "use --events"),
        (Options(pins=True, arg=("--kubelet-insecure-tls",)), "--kubelet-insecure-tls"),
    ],
    ids=lambda value: repr(value) if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_in_one_line(options: Options, words: str) -> None:
    """The line names what was typed."""
    (problem,) = problems(options)
    assert words in problem
    assert problem.isprintable()


def test_every_problem_is_told() -> None:
    """They can be mended in one go."""
    assert len(problems(Options(name="A", namespace="B", image="", replicas=0, arg=("x",)))) == 5


def test_names_of_full_length_are_taken() -> None:
    """63 characters are allowed, digits and hyphens inside too."""
    assert objects(Options(name="a" + "-1" * 31, namespace="1" * 63))


@pytest.mark.parametrize("options", CHOICES, ids=ids)
def test_the_command_makes_the_same_options(options: Options) -> None:
    """The command in the head of the page prints the same page again."""
    assert again(options) == options


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=9), max_size=3))
def test_the_command_survives_a_shell(values: list[str]) -> None:
    """Whatever can be given comes back out of a shell's rules, character by character."""
    options = Options(arg=tuple(f"--external-hostname={value}" for value in values))
    assert again(options) == options


def test_the_default_needs_no_option() -> None:
    """The shortest command is the one that nothing was chosen in."""
    assert Options().command_line() == "kubevitals manifests"


def again(options: Options) -> Options:
    """What the command line program makes of the command that stands for the options."""
    words = shlex.split(options.command_line())
    context: click.Context = manifests.make_context("manifests", words[2:])
    return Options(**context.params)
