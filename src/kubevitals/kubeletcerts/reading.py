"""The pending requests of a cluster's kubelets, each with the verdict on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from kubevitals.errors import ApiStatusError, SigningRequestError
from kubevitals.kube.client import ApiClient, Params
from kubevitals.kubeletcerts import objects, request, rights
from kubevitals.kubeletcerts.objects import Node, Page, Service, SigningRequest
from kubevitals.kubeletcerts.owners import Owners, owners
from kubevitals.kubeletcerts.request import CertificateRequest
from kubevitals.kubeletcerts.verdict import SIGNER, Refusal, judge, node_name

T = TypeVar("T")

REQUESTS: Final = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_PAGE = 500  # objects; a node that nobody approves makes a hundred requests a day
_OF_KUBELETS: Final = (("fieldSelector", f"spec.signerName={SIGNER}"),)


@dataclass(frozen=True, slots=True)
class Examined:
    """One pending request.

    Args:
        asked: the request.
        node: the name of the node that asks, empty when it is none.
        wanted: what it asks for, None when that cannot be read.
        refusals: why it must not be approved.
        replaced: whether the same node has made a newer one that may be approved.
    """

    asked: SigningRequest
    node: str
    wanted: CertificateRequest | None
    refusals: tuple[Refusal, ...]
    replaced: bool = False

    @property
    def approvable(self) -> bool:
        """Whether it is the one of its node to approve."""
        return not self.refusals and not self.replaced


@dataclass(frozen=True, slots=True)
class Pending:
    """What there is to decide.

    Args:
        requests: all that are pending, by node, the newest first.
        nodes: the names of all nodes.
        services_known: whether Services could be read, and their names and addresses are refused.
    """

    requests: tuple[Examined, ...]
    nodes: tuple[str, ...]
    services_known: bool = True


async def pending(client: ApiClient) -> Pending:
    """Return the pending requests for kubelets' serving certificates, judged.

    Raises:
        MissingRight: requests or nodes may not be listed; the text says which rules are missing.
        ApiServerError: the API server gave no usable answer.
    """
    what = "list certificate signing requests"
    requests = await _needed(client, REQUESTS, objects.signing_requests, what, rights.REQUESTS, _OF_KUBELETS)
    nodes = await _needed(client, "/api/v1/nodes", objects.nodes, "list nodes", rights.NODES)
    services = await _services(client)
    asked = [each for each in requests if each.pending]
    examined = examine(asked, nodes, owners(nodes, services or ()))
    return Pending(examined, tuple(node.name for node in nodes), services is not None)


def examine(asked: Iterable[SigningRequest], nodes: Iterable[Node], others: Owners) -> tuple[Examined, ...]:
    """Judge requests, by node and the newest first; of those of a node that may be approved all but one are replaced.

    Kubelets ask again about every quarter of an hour, with a new key each time, and forget the key before.
    """
    by_name = {node.name: node for node in nodes}
    served: set[str] = set()
    found = []
    for each in sorted(asked, key=lambda one: (node_name(one), -one.created, one.name)):
        name = node_name(each)
        refusals = judge(each, by_name.get(name), others)
        found.append(Examined(each, name, _read(each), refusals, replaced=not refusals and name in served))
        if not refusals:
            served.add(name)
    return tuple(found)


def limited(found: Pending, nodes: Sequence[str]) -> Pending:
    """Return the part of it that is about these nodes; all of it without any."""
    if not nodes:
        return found
    requests = tuple(each for each in found.requests if each.node in nodes)
    return Pending(requests, tuple(name for name in found.nodes if name in nodes), found.services_known)


def _read(asked: SigningRequest) -> CertificateRequest | None:
    try:
        return request.read(asked.pem)
    except SigningRequestError:
        return None


async def _needed(
    client: ApiClient, path: str, decode: Callable[[bytes], Page[T]], what: str, rules: str, params: Params = ()
) -> list[T]:
    try:
        return await _all(client, path, decode, params)
    except ApiStatusError as error:
        raise rights.explained(error, what, rules) from error


async def _services(client: ApiClient) -> list[Service] | None:
    """Return the Services, None where they may not be read; they sharpen the verdict, which is sound without them."""
    try:
        return await _all(client, "/api/v1/services", objects.services)
    except ApiStatusError:
        return None


async def _all(client: ApiClient, path: str, decode: Callable[[bytes], Page[T]], params: Params = ()) -> list[T]:
    """Return a list, read page by page."""
    found: list[T] = []
    rest = ""
    while True:
        more = (("continue", rest),) if rest else ()
        page = decode(await client.get(path, (*params, ("limit", str(_PAGE)), *more)))
        found += page.items
        rest = page.rest
        if not rest:
            return found
