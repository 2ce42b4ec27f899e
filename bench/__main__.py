"""``make bench``, and ``python -m bench``."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import rooms
from bench.cluster import Plan
from bench.fleet import Facts, Paths, allow_open_files, loop_factory, run
from bench.options import Options, UsageError, parse
from bench.process import BenchError
from bench.results import load, save
from bench.table import table
from bench.whole import housekeeping, measure_all

RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code: 2 for one that cannot be used, 1 for a failure."""
    try:
        return _run(parse(argv))
    except UsageError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: Options) -> int:
    if options.command == "fleet":
        _run_fleet(options)
    elif options.command == "table" and options.output is not None:
        print(table(load(options.output)))
    else:
        if options.command in ("all", "rooms"):
            rooms.main()
        if options.command in ("all", "whole"):
            _measure(options)
    return 0


def _measure(options: Options) -> None:
    path = options.output or RESULTS / time.strftime("%Y-%m-%dT%H-%M-%S.json", time.gmtime())
    for results in measure_all(options):
        save(results, path)  # after each size: what was measured stays, whatever happens next
    print(f"{table(results)}\n\nkept in {path}")


def _run_fleet(options: Options) -> None:
    """Run a fleet for a server that is started by hand, until Ctrl-C."""
    allow_open_files(options.nodes[0])
    plan = Plan(options.nodes[0], options.pods, options.containers)
    with contextlib.ExitStack() as stack:
        directory = options.fleet or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubevitals-bench-")))
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run(plan, directory, housekeeping=housekeeping(options.resolution), ready=_tell))


def _tell(facts: Facts) -> None:
    paths = Paths(Path(facts.directory))
    flags = " \\\n  ".join(paths.flags("other"))
    print(f"{facts.nodes:,} nodes are there until Ctrl-C. A server finds them with\n\n  {flags}\n")
    print("and is measured beside kubevitals with\n")
    print(f"  python -m bench whole --fleet {paths.directory} --against https://127.0.0.1:PORT --pid PID", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way, everything is cleaned up
    sys.exit(main(sys.argv[1:]))
