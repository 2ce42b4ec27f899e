"""The command line of the benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from kubevitals.errors import QuantityError
from kubevitals.quantity import parse_duration

_MOST_NODES = 15_000  # 127.20.0.0 to 127.255.0.0 has more addresses, but no process has more descriptors
_COMMANDS = ("all", "rooms", "whole", "fleet", "table")
_ABOUT = """what it does:
  all    the cost of single rooms, then the whole server at each size (the default)
  rooms  only the cost of single rooms
  whole  only the whole server
  fleet  runs a fleet until Ctrl-C and prints the flags that lead a server to it
  table  prints the table of results that were kept (--output FILE)"""


class UsageError(Exception):
    """An argument that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be measured. Times in seconds; ``against`` is the URL of a second server, empty for none."""

    command: str
    nodes: tuple[int, ...]
    pods: int
    containers: int
    resolution: float
    runs: int
    cycles: int
    samples: int
    output: Path | None
    fleet: Path | None
    against: str
    pid: int
    ca: Path | None
    certificate: Path | None
    key: Path | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        UsageError: something cannot be used.
        SystemExit: help was asked for.
    """
    found = _parser().parse_args(argv)
    if (found.against != "") != (found.pid != 0):
        raise UsageError("--against URL and --pid PID belong together: the server, and its process")
    if found.against and found.fleet is None:
        raise UsageError(
            "--against needs --fleet DIRECTORY, the fleet that the second server scrapes; see: fleet --help"
        )
    if found.against and urlsplit(found.against).scheme != "https":
        raise UsageError(f"--against {found.against!r} is no https URL")
    if found.command == "table" and found.output is None:
        raise UsageError("table needs --output FILE, the results to print")
    return Options(**vars(found))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m bench",
        description="Measures kubevitals on this machine, without a cluster.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs="?", choices=_COMMANDS, default="all", metavar="COMMAND")
    parser.add_argument("--nodes", type=_sizes, default=(100, 1000), help="sizes, such as 100,1000,5000")
    parser.add_argument("--pods", type=_count, default=30, help="pods on a node")
    parser.add_argument("--containers", type=_containers, default=2, help="containers in a pod, up to 6")
    parser.add_argument("--resolution", type=_seconds, default=15.0, help="time between cycles, such as 15s")
    parser.add_argument("--runs", type=_count, default=3, help="runs of everything; results are medians")
    parser.add_argument("--cycles", type=_count, default=2, help="cycles of steady state in a run")
    parser.add_argument("--samples", type=_count, default=60, help="most samples of one list in a run")
    parser.add_argument("--output", type=Path, help="file of the results; default: in bench/results/")
    parser.add_argument("--fleet", type=Path, metavar="DIRECTORY", help="where the files of a fleet are, or go")
    parser.add_argument("--against", default="", metavar="URL", help="measure this server as well")
    parser.add_argument("--pid", type=_count, default=0, help="its process")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="CA of its certificate; default: not verified")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="client certificate; default: the fleet's")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key, if it is in a file of its own")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _containers(text: str) -> int:
    if _count(text) > 6:
        raise argparse.ArgumentTypeError(f"{text} containers are more than 6")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(_count(part) for part in text.replace("_", "").split(","))
    if max(sizes) > _MOST_NODES:
        raise argparse.ArgumentTypeError(f"{max(sizes)} nodes are more than {_MOST_NODES}")
    return tuple(dict.fromkeys(sizes))


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text) / 1e9
    except QuantityError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 15s") from error
    if seconds < 0.5:
        raise argparse.ArgumentTypeError(f"{text} is less than 500ms")
    return seconds
