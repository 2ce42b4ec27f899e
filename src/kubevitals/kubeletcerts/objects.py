"""CertificateSigningRequests, Nodes and Services of the API server, as far as they matter to an approver. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from kubevitals.errors import ApiServerError

T = TypeVar("T")

_DECIDED = frozenset({"Approved", "Denied", "Failed"})


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """One CertificateSigningRequest.

    Args:
        name: the object's.
        created: seconds since the epoch.
        signer: ``spec.signerName``.
        username: who asks, as the API server knows them.
        groups: whom it counts them among.
        usages: what the certificate shall be used for.
        pem: the request itself.
        expiration: for how many seconds it shall be valid, None where the signer shall say.
        pending: whether nobody has decided on it, and there is no certificate.
        whole: the object as it was read; sent back when it is approved.
    """

    name: str
    created: float
    signer: str
    username: str
    groups: tuple[str, ...]
    usages: tuple[str, ...]
    pem: bytes
    expiration: int | None = None
    pending: bool = True
    whole: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One Node: its name, and the type and text of each address in its status."""

    name: str
    addresses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """One Service and the addresses it has within the cluster."""

    name: str
    namespace: str
    cluster_ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and the token of the next part; empty at the end."""

    items: tuple[T, ...]
    rest: str


class _Condition(msgspec.Struct):
    type: str = ""


class _RequestStatus(msgspec.Struct):
    conditions: list[_Condition] | None = None
    certificate: str | None = None


class _RequestSpec(msgspec.Struct, rename="camel"):
    request: bytes
    signer_name: str = ""
    username: str = ""
    groups: list[str] | None = None
    usages: list[str] | None = None
    expiration_seconds: int | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    creation_timestamp: datetime | None = None


class _Request(msgspec.Struct):
    metadata: _Metadata
    spec: _RequestSpec
    status: _RequestStatus = msgspec.field(default_factory=_RequestStatus)


class _Address(msgspec.Struct):
    type: str = ""
    address: str = ""


class _NodeStatus(msgspec.Struct):
    addresses: list[_Address] | None = None


class _Node(msgspec.Struct):
    metadata: _Metadata
    status: _NodeStatus = msgspec.field(default_factory=_NodeStatus)


class _ServiceSpec(msgspec.Struct):
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    cluster_ips: list[str] | None = msgspec.field(name="clusterIPs", default=None)


class _Service(msgspec.Struct):
    metadata: _Metadata
    spec: _ServiceSpec = msgspec.field(default_factory=_ServiceSpec)


class _ListMetadata(msgspec.Struct):
    rest: str = msgspec.field(name="continue", default="")


class _Requests(msgspec.Struct):
    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


class _Nodes(msgspec.Struct):
    metadata: _ListMetadata
    items: list[_Node] | None = None


class _Services(msgspec.Struct):
    metadata: _ListMetadata
    items: list[_Service] | None = None


def signing_requests(body: bytes) -> Page[SigningRequest]:
    """Read a CertificateSigningRequestList.

    Raises:
        ApiServerError: it is none; so say the two that follow.
    """
    page = _decoded(body, _Requests, "CertificateSigningRequestList")
    return Page(tuple(map(_signing_request, page.items or ())), page.metadata.rest)


def nodes(body: bytes) -> Page[Node]:
    """Read a NodeList."""
    page = _decoded(body, _Nodes, "NodeList")
    return Page(tuple(map(_node, page.items or ())), page.metadata.rest)


def services(body: bytes) -> Page[Service]:
    """Read a ServiceList."""
    page = _decoded(body, _Services, "ServiceList")
    return Page(tuple(map(_service, page.items or ())), page.metadata.rest)


def _signing_request(raw: msgspec.Raw) -> SigningRequest:
    found = _decoded(raw, _Request, "CertificateSigningRequest")
    spec, status, created = found.spec, found.status, found.metadata.creation_timestamp
    decided = any(condition.type in _DECIDED for condition in status.conditions or ())
    return SigningRequest(
        name=found.metadata.name,
        created=created.timestamp() if created else 0.0,
        signer=spec.signer_name,
        username=spec.username,
        groups=tuple(spec.groups or ()),
        usages=tuple(spec.usages or ()),
        pem=spec.request,
        expiration=spec.expiration_seconds,
        pending=not decided and not status.certificate,
        whole=msgspec.json.decode(raw),
    )


def _node(item: _Node) -> Node:
    return Node(item.metadata.name, tuple((each.type, each.address) for each in item.status.addresses or ()))


def _service(item: _Service) -> Service:
    addresses = item.spec.cluster_ips or [item.spec.cluster_ip]
    return Service(item.metadata.name, item.metadata.namespace, tuple(addresses))


def _decoded(body: bytes | msgspec.Raw, form: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiServerError(f"the API server's answer is no {what} that can be read: {error}") from error
