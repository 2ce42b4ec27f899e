"""Whose names and addresses are whose in a cluster. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kubevitals.kubeletcerts.objects import Node, Service
from kubevitals.quoting import quote

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_API_SERVER: Final = Service("kubernetes", "default")
_EVERYWHERE: Final = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104 - refused, not listened on
_ADDRESS_TYPES: Final = ("InternalIP", "ExternalIP", "Hostname")
_NAME_TYPES: Final = ("InternalDNS", "ExternalDNS", "Hostname")


@dataclass(frozen=True, slots=True)
class Owners:
    """Names and addresses in one form (see ``canonical``), with who has them.

    Args:
        nodes: the nodes that each belongs to, by name.
        services: the Service that each belongs to, as ``namespace/name``.
    """

    nodes: Mapping[str, frozenset[str]]
    services: Mapping[str, str]

    def besides(self, wanted: str, node: str) -> str:
        """Return who has a name or address besides a node, in a few words; empty when nobody has."""
        if wanted in _EVERYWHERE:
            return "every machine"
        service = self.services.get(wanted) or self.services.get(_without_domain(wanted))
        if service:
            return f"the Service {quote(service)}"
        others = sorted(self.nodes.get(wanted, frozenset()) - {node})
        return f"the node {quote(others[0])}" if others else ""


def owners(nodes: Iterable[Node], services: Iterable[Service] = ()) -> Owners:
    """Return who has what; the names of the API server's own Service count even if no Service can be read."""
    held: dict[str, set[str]] = {}
    for node in nodes:
        for one in (*dns_names(node), *map(str, ip_addresses(node))):
            held.setdefault(one, set()).add(node.name)
    served = {one: f"{each.namespace}/{each.name}" for each in (_API_SERVER, *services) for one in _served(each)}
    return Owners({one: frozenset(names) for one, names in held.items()}, served)


def dns_names(node: Node) -> frozenset[str]:
    """Return the names that a kubelet may ask for: the node's, and those of its status, in lower case."""
    found = {text.lower() for kind, text in node.addresses if kind in _NAME_TYPES and ip(text) is None}
    return frozenset({node.name.lower(), *found} - {""})


def ip_addresses(node: Node) -> frozenset[Address]:
    """Return the addresses that a kubelet may ask for; a host name that is an address is one of them."""
    found = (ip(text) for kind, text in node.addresses if kind in _ADDRESS_TYPES)
    return frozenset(each for each in found if each is not None)


def canonical(wanted: str | Address) -> str:
    """Return a name in lower case, or an address in its one short form."""
    return wanted.lower() if isinstance(wanted, str) else str(wanted)


def ip(text: str) -> Address | None:
    """Return the address that a text is, None of any other text; IPv4 within IPv6 is IPv4."""
    try:
        return unmapped(ipaddress.ip_address(text))
    except ValueError:
        return None


def unmapped(value: object) -> Address | None:
    """Return an address, of the form ``::ffff:192.0.2.1`` as IPv4; None of a network."""
    if isinstance(value, ipaddress.IPv6Address):
        return value.ipv4_mapped or value
    return value if isinstance(value, ipaddress.IPv4Address) else None


def _served(service: Service) -> set[str]:
    """Return the names and addresses of a Service; the bare name only of the API server's, as nodes may share it."""
    base = f"{service.name}.{service.namespace}"
    names = {base, f"{base}.svc"} | ({service.name} if service == _API_SERVER else set())
    addresses = (ip(text) for text in service.cluster_ips)
    return names | {str(each) for each in addresses if each is not None}


def _without_domain(name: str) -> str:
    """Return ``service.namespace.svc`` of such a name in any cluster's domain, empty of any other name."""
    parts = name.split(".")
    return ".".join(parts[:3]) if parts[2:3] == ["svc"] else ""
