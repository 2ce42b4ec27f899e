"""What can be chosen about an installation, and which choices cannot be. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields

from kubevitals import __version__
from kubevitals.quoting import quote

SYSTEM = "kube-system"

# A Service's name and a namespace's, by k8s.io/apimachinery/pkg/util/validation: IsDNS1035Label, IsDNS1123Label.
_SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST = 63
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")

# Other objects have to agree with these flags, so an option sets them.
_SET_BY = {"managed-tls": "--namespace and --name", "kubelet-tls-pin": "--pins", "publish-events": "--events"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """One installation; each field is the option of the same name, ``-`` written ``_``."""

    namespace: str = SYSTEM
    """Where the server runs."""
    name: str = "metrics-server"
    """Of Deployment, Service and ServiceAccount; the names of other objects begin or end with it."""
    image: str = f"kubevitals/kubevitals:v{__version__}"
    """The container image, with a tag or digest."""
    replicas: int = 1
    """Pods that serve side by side, at least 1; each scrapes every node."""
    kubelet_insecure_tls: bool = False
    """Do not verify the kubelets' certificates."""
    host_network: bool = False
    """Run in the network of the node."""
    metric_resolution: str = "15s"
    """Time between two scrapes, a Go duration."""
    arg: tuple[str, ...] = ()
    """Further flags of ``kubevitals serve``; one that is set anyway takes the place of what was set."""
    events: bool = False
    """Publish Events about nodes that cannot be scraped."""
    pins: bool = False
    """Keep the certificate that each kubelet showed first, in a Secret, and accept no other."""
    insecure_skip_tls_verify: bool = False
    """Let the API server accept any certificate of the server."""

    @property
    def labels(self) -> dict[str, str]:
        """What every object is labelled with, and the pods are selected by."""
        return {"k8s-app": self.name}

    @property
    def tls_secret(self) -> str:
        """The Secret with the serving certificate and its authority; ``--managed-tls`` derives the name alike."""
        return f"{self.name}-tls"

    @property
    def pins_secret(self) -> str:
        """The Secret with the kubelets' first certificates."""
        return f"{self.name}-kubelet-pins"

    def problems(self) -> list[str]:
        """Return a line for every choice that cannot be, save those that the server's own flags tell."""
        return [*_name_problems(self), *_other_problems(self), *_arg_problems(self.arg)]

    def command_line(self) -> str:
        """Return the shortest command that makes these options, as it can be pasted into a shell."""
        return shlex.join(["kubevitals", "manifests", *_words(self)])


def flag_name(argument: str) -> str:
    """Return the name of the flag in ``--name=value``, spelled with hyphens, as pflag reads it."""
    return argument.partition("=")[0].lstrip("-").replace("_", "-")


def _name_problems(options: Options) -> Iterator[str]:
    if not _SERVICE_NAME.fullmatch(options.name) or len(options.name) > _LONGEST:
        yield (
            f"--name {quote(options.name)} cannot be the name of a Service: at most {_LONGEST} lower-case letters, "
            "digits and hyphens, a letter first and no hyphen last"
        )
    if not _NAMESPACE.fullmatch(options.namespace) or len(options.namespace) > _LONGEST:
        yield (
            f"--namespace {quote(options.namespace)} cannot be a namespace: at most {_LONGEST} lower-case letters, "
            "digits and hyphens, no hyphen first or last"
        )


def _other_problems(options: Options) -> Iterator[str]:
    if not _IMAGE.fullmatch(options.image):
        yield f"--image {quote(options.image)} is no image reference, such as registry.example/kubevitals:v1"
    if options.replicas < 1:
        yield f"--replicas {options.replicas} must be at least 1"
    if options.pins and options.kubelet_insecure_tls:
        yield "cannot use both --pins and --kubelet-insecure-tls: one checks the kubelets' certificates, one does not"


def _arg_problems(arguments: tuple[str, ...]) -> Iterator[str]:
    for argument in arguments:
        name = flag_name(argument)
        if not argument.startswith("-") or not name:
            yield f"--arg {quote(argument)} is no flag: write --arg=--FLAG=VALUE, once for each flag"
        elif not argument.isprintable():
            yield f"--arg {quote(argument)} has characters that cannot be shown"
        elif name in _SET_BY:
            yield f"--arg {quote(argument)} is not to be set by hand: use {_SET_BY[name]}"


def _words(options: Options) -> Iterator[str]:
    for field in fields(options):
        value, name = getattr(options, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            yield f"--{name}"
        elif isinstance(value, tuple):
            yield from (f"--{name}={each}" for each in value)
        else:
            yield f"--{name}={value}"
