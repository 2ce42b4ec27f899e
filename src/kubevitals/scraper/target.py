"""Where a node's kubelet is asked: addresses in order of preference, port and path. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote as percent_encode

from kubevitals.model import Node
from kubevitals.quoting import quote
from kubevitals.scraper.causes import failure

METRICS_PATH: Final = "/metrics/resource"
# What RFC 3986 allows in a path. Annotations hold decoded paths: "%" and "?" are data, as in Go's url.URL.
_ADDRESS = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})|[0-9A-Fa-f:][0-9A-Fa-f:.]{1,44}(?:%[A-Za-z0-9._-]{1,32})?)\Z"
)
_PATH_SAFE: Final = "/:@!$&'()*+,;=~"


class Target(NamedTuple):
    """Where to scrape one node.

    Args:
        node: the node's name.
        addresses: never empty, best first, each once.
        port: the kubelet's port.
        path: begins with ``/``, percent-encoded.
        scheme: ``https``, or ``http`` which sends no credentials.
    """

    node: str
    addresses: tuple[str, ...]
    port: int
    path: str = METRICS_PATH
    scheme: str = "https"


def resolve(
    node: Node, *, address_types: Sequence[str], port: int, use_status_port: bool, scheme: str = "https"
) -> Target:
    """Return where to scrape a node.

    The first address is the one that metrics-server picks: the first one of the first type in
    ``address_types`` that the node has. The others follow in order, for the case that it cannot be reached.

    Raises:
        ScrapeError: cause ``no_address``, when the node has no address of these types.
    """
    addresses = tuple(dict.fromkeys(_preferred(node, address_types)))
    if not addresses:
        has = ", ".join(sorted({address.type for address in node.addresses})) or "none"
        raise failure("no_address", f"no address matched types {', '.join(address_types)}; the node has {has}")
    chosen = node.kubelet_port if use_status_port and node.kubelet_port else port
    return Target(node.name, addresses, chosen, _path(node.metrics_path), scheme)


def authority(address: str, port: int) -> str:
    """Return ``address:port`` as a Host header wants it: IPv6 in brackets, without a zone.

    Raises:
        ScrapeError: cause ``dns``, when the address is neither a host name nor an IP address. Whoever may
            write a node's status chooses it, so nothing else may reach a header or a resolver.
    """
    if not _ADDRESS.match(address):
        raise failure("dns", f"{quote(address)} is neither a host name nor an IP address")
    host = certificate_name(address)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def certificate_name(address: str) -> str:
    """Return the name that a certificate must carry for this address: the address without an IPv6 zone."""
    return address.partition("%")[0]


def _preferred(node: Node, address_types: Sequence[str]) -> Iterable[str]:
    return (
        entry.address for wanted in address_types for entry in node.addresses if entry.type == wanted and entry.address
    )


def _path(annotation: str) -> str:
    if not annotation:
        return METRICS_PATH
    return percent_encode("/" + annotation.removeprefix("/"), safe=_PATH_SAFE)
