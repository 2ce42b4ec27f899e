"""argv in, text and an exit code out.

``kubevitals --a-flag`` is ``kubevitals serve --a-flag``: manifests start metrics-server's image with flags alone.
Exit codes: 0 done, 1 it ran and failed, 2 the input cannot be used.
"""

from __future__ import annotations

import importlib
import sys

import click

from kubevitals import __version__
from kubevitals.errors import KubevitalsError, UsageError

PROGRAM = "kubevitals"
COMMANDS = ("approve-kubelet-certs", "demo", "doctor", "manifests", "serve", "top")


class _Commands(click.Group):
    """Imports a command when it is asked for, so that ``serve`` never loads what draws the terminal screens."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and args[0].startswith("-") and args[0] not in own:
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"kubevitals.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="kubevitals", message="%(prog)s %(version)s")
def kubevitals() -> None:
    """A metrics server for Kubernetes that explains itself."""


def main(program: str = PROGRAM) -> None:
    """Run the command line; no traceback reaches the caller for anything that was foreseen.

    Args:
        program: what usage and errors call it.
    """
    try:
        code = kubevitals.main(prog_name=program, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except UsageError as error:
        for problem in error.problems:
            click.echo(f"{program}: {problem}", err=True)
        code = 2
    except KubevitalsError as error:
        click.echo(f"{program}: {error}", err=True)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code)


def plugin() -> None:
    """Run the same as ``kubectl vitals``: kubectl starts a program ``kubectl-vitals`` that it finds in PATH."""
    main("kubectl vitals")
