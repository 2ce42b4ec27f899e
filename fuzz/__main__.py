"""``make fuzz``, and ``python -m fuzz``."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzz import TARGETS

HERE = Path(__file__).parent
CORPUS, FINDINGS = HERE / "corpus", HERE / "findings"
_SLOW = 20  # seconds that no input may take
_LARGE = 2048  # MiB that no run may take
_LONGEST = 4096  # bytes of an input


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code: 2 for one that cannot be used, 1 for a broken promise."""
    options = _parser().parse_args(argv)
    if options.files:
        return _again(options.target, options.files)
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: atheris is not installed here; make fuzz installs it where it has a wheel", file=sys.stderr)
        return 2
    if options.target == "all":
        return _one_by_one(options.seconds)
    return _run(options.target, options.seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description="Holds five promises against bytes that nobody means.", allow_abbrev=False
    )
    parser.add_argument("target", nargs="?", choices=[*TARGETS, "all"], default="all", metavar="TARGET",
                        help=f"{', '.join(TARGETS)}, or all of them, one after the other (the default)")  # fmt: skip
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="inputs to try again, without atheris")
    parser.add_argument("--seconds", type=_count, default=60, help="how long each target is tried (default: 60)")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _again(target: str, files: Sequence[Path]) -> int:
    """Try inputs that were kept."""
    if target not in TARGETS:
        print("fuzz: name the target that the files belong to", file=sys.stderr)
        return 2
    one = importlib.import_module(f"fuzz.{target}").one
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            print(f"fuzz: {file}: {error.strerror}", file=sys.stderr)
            return 2
        one(data)
        print(f"{file}: the promise holds")
    return 0


def _one_by_one(seconds: int) -> int:
    """Try every target in a process of its own, which ends with atheris; return 1 if a promise is broken."""
    broken = 0
    for target in TARGETS:
        print(f"--- {target}, {seconds} s", flush=True)
        command = [sys.executable, "-m", "fuzz", target, "--seconds", str(seconds)]
        try:
            broken |= subprocess.run(command, cwd=HERE.parent, check=False).returncode != 0
        except KeyboardInterrupt:
            return 130
    return int(broken)


def _run(target: str, seconds: int) -> int:
    """Try one target; atheris ends the process, with 0 if the promise holds, and keeps the input that breaks it."""
    logging.getLogger("kubevitals").addHandler(logging.NullHandler())  # bad input is logged, thousands of times
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["kubevitals"]):
        module = importlib.import_module(f"fuzz.{target}")
    corpus = CORPUS / target
    corpus.mkdir(parents=True, exist_ok=True)
    FINDINGS.mkdir(exist_ok=True)
    for seed in module.seeds():
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    flags = {
        "max_total_time": seconds, "timeout": _SLOW, "rss_limit_mb": _LARGE, "max_len": _LONGEST,
        "artifact_prefix": f"{FINDINGS / target}-", "print_final_stats": 1,
    }  # fmt: skip
    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(corpus)], module.one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
