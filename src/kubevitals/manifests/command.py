"""The flags that the container runs ``kubevitals serve`` with, and what the server understands by them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kubevitals import settings
from kubevitals.errors import UsageError
from kubevitals.manifests.options import Options, flag_name
from kubevitals.settings import Settings

CERTIFICATES = "/tmp"  # noqa: S108 - a volume of the pod's own

# Port 10250 is the one that firewalls between control plane and nodes let through, but on a node it is the kubelet's.
_POD_PORT, _HOST_PORT = 10250, 4443


def arguments(options: Options) -> list[str]:
    """Return the flags of the container; one that is given with ``--arg`` stands instead of the usual one."""
    given = {flag_name(argument) for argument in options.arg}
    return [*(each for each in _usual(options) if flag_name(each) not in given), *options.arg]


def parsed(options: Options) -> Settings:
    """Return what the server will understand by its flags.

    Raises:
        UsageError: the options or the flags cannot be used, with every problem.
    """
    if problems := options.problems():
        raise UsageError(problems)
    flags = arguments(options)
    if settings.wants_help(flags) or settings.wants_version(flags):
        raise UsageError(["--arg: with --help or --version the server would end at once"])
    return settings.parse(flags)


def _usual(options: Options) -> Iterator[str]:
    """Yield the flags that metrics-server's own manifests set, and those that stand for our options."""
    if options.insecure_skip_tls_verify:
        yield f"--cert-dir={CERTIFICATES}"
    yield f"--secure-port={_HOST_PORT if options.host_network else _POD_PORT}"
    yield "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname"
    yield "--kubelet-use-node-status-port"
    yield f"--metric-resolution={options.metric_resolution}"
    if not options.insecure_skip_tls_verify:
        yield f"--managed-tls={options.namespace}/{options.name}"
    if options.kubelet_insecure_tls:
        yield "--kubelet-insecure-tls"
    if options.pins:
        yield f"--kubelet-tls-pin=secret:{options.namespace}/{options.pins_secret}"
    if options.events:
        yield "--publish-events"
