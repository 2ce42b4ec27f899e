"""The Kubernetes objects that run kubevitals in a cluster, and their YAML, from one frozen set of options. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals import __version__
from kubevitals.manifests import command, registration, rights, text, workload
from kubevitals.manifests.options import Options
from kubevitals.manifests.shape import Manifest

__all__ = ["Manifest", "Options", "objects", "page"]


def objects(options: Options) -> list[Manifest]:
    """Return every object, in the order in which they are to be created.

    Raises:
        UsageError: the options, or what they make of the server's flags, cannot be used; with every problem.
    """
    settings = command.parsed(options)
    return [
        *rights.identity(options),
        *rights.cluster_wide(options),
        *rights.namespaced(options),
        registration.service(options),
        *workload.disruption_budget(options),
        workload.deployment(options, settings),
        *registration.api_services(options),
    ]


def page(options: Options) -> str:
    """Return the objects as YAML, under a comment with the command that prints them: the same bytes every time.

    Raises:
        UsageError: as by ``objects``.
    """
    return "".join(f"# {line}\n" for line in _head(options)) + text.documents(objects(options))


def _head(options: Options) -> Iterator[str]:
    yield f"kubevitals {__version__}. Do not edit: change the options, and print it again with"
    yield f"  {options.command_line()}"
