"""Whether a kubelet's request may be approved, and if not, why and what to do. Pure.

The rules are those of the signer ``kubernetes.io/kubelet-serving`` (Kubernetes' documentation, "Certificates and
Certificate Signing Requests"), and those of an approver who compares a request with its node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kubevitals import quoting
from kubevitals.errors import SigningRequestError
from kubevitals.kubeletcerts import request
from kubevitals.kubeletcerts.objects import Node, SigningRequest
from kubevitals.kubeletcerts.owners import Owners, canonical, dns_names, ip_addresses
from kubevitals.kubeletcerts.request import CertificateRequest

SIGNER: Final = "kubernetes.io/kubelet-serving"
_USER, _GROUP = "system:node:", "system:nodes"
_NEEDED: Final = frozenset({"digital signature", "server auth"})
_ALLOWED: Final = _NEEDED | {"key encipherment"}
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LONGEST = 253  # characters of a name, RFC 1123
_SHOWN = 5  # of what is strange in a request

_DENY: Final = "deny it, and find out who asks"
_KUBELET: Final = "deny it, and restart the kubelet: a kubelet asks in the right form by itself"
_STALE: Final = (
    "deny it; if the node's addresses have just changed, restart its kubelet, which asks anew; else find out who asks"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to approve.

    Args:
        code: a stable word for programs.
        detail: a sentence about the request, which it calls "it".
        remedy: what a person can do, in one clause.
    """

    code: str
    detail: str
    remedy: str


def node_name(asked: SigningRequest) -> str:
    """Return the name of the node that asks, empty when no node does."""
    if not asked.username.startswith(_USER) or _GROUP not in asked.groups:
        return ""
    return asked.username.removeprefix(_USER)


def judge(asked: SigningRequest, node: Node | None, others: Owners) -> tuple[Refusal, ...]:
    """Return every reason not to approve a request; none means that it may be approved.

    Args:
        asked: the request.
        node: the Node that its requester is (see ``node_name``), None when there is none.
        others: whose names and addresses are whose.
    """
    try:
        wanted = request.read(asked.pem)
    except SigningRequestError as error:
        return (*_asking(asked, node), Refusal("unreadable", f"Its request cannot be read: {error}.", _KUBELET))
    about_names = _names(wanted, node, others) if node is not None else ()
    return (*_asking(asked, node), *_form(asked, wanted), *about_names)


def _asking(asked: SigningRequest, node: Node | None) -> Iterator[Refusal]:
    """Who asks, whom, and for which use."""
    if asked.signer != SIGNER:
        yield Refusal(
            "signer", f"It is for the signer {_quoted(asked.signer)}, not {SIGNER}.", "leave it to that signer"
        )
    if not asked.pending:
        yield Refusal("decided", "It is no longer pending.", "look at it with kubectl describe csr")
    name = node_name(asked)
    if not name:
        detail = f"It comes from {_quoted(asked.username)}, which is no {_USER}NAME in the group {_GROUP}."
        yield Refusal("requester", detail, "deny it: only a node may ask for its certificate")
    elif node is None or node.name != name:
        yield Refusal("node", f"There is no Node {_quoted(name)}.", "deny it, or let the node join first")
    usages = frozenset(asked.usages)
    if not _NEEDED <= usages <= _ALLOWED:
        shown = ", ".join(map(_quoted, asked.usages)) or "nothing"
        detail = f"It is for {shown}; a kubelet's is for digital signature, server auth and maybe key encipherment."
        yield Refusal("usages", detail, _KUBELET)


def _form(asked: SigningRequest, wanted: CertificateRequest) -> Iterator[Refusal]:
    """What the request says besides names and addresses."""
    if wanted.common_names != (asked.username,) or wanted.organizations != (_GROUP,):
        shown = ", ".join([f"CN={_quoted(cn)}" for cn in wanted.common_names] + _organizations(wanted))
        detail = f"Its subject is {shown or 'empty'}, not CN={_quoted(asked.username)}, O={_quoted(_GROUP)}."
        yield Refusal("subject", detail, _DENY)
    if wanted.strange:
        shown = ", ".join(dict.fromkeys(wanted.strange[:_SHOWN]))
        yield Refusal("strange", f"It holds what no kubelet asks for: {shown}.", _DENY)
    if not wanted.signed:
        yield Refusal("signature", "It is not signed with its own key by a hash that counts today.", _DENY)
    if not wanted.strong:
        detail = f"Its key is {wanted.key}, not RSA of 2048 to 8192 bits, ECDSA P-256, P-384 or P-521, or Ed25519."
        yield Refusal("key", detail, _KUBELET)
    if not wanted.names and not wanted.addresses:
        remedy = "deny it; give the node an address (kubelet --node-ip, cloud provider) and restart its kubelet"
        yield Refusal("no-names", "It names no host name and no address.", remedy)


def _quoted(text: str) -> str:
    """Return text that somebody chose in quotes, cut where it is longer than any name may be."""
    return quoting.quote(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _organizations(wanted: CertificateRequest) -> list[str]:
    return [f"O={_quoted(one)}" for one in wanted.organizations]


def _names(wanted: CertificateRequest, node: Node, others: Owners) -> Iterator[Refusal]:
    """Whether every name and address is the node's, and nobody else's."""
    own_names, own_addresses = dns_names(node), ip_addresses(node)
    for name in dict.fromkeys(map(canonical, wanted.names)):
        if not _HOST.fullmatch(name):
            yield Refusal("bad-name", f"It asks for {_quoted(name)}, which is no host name.", _DENY)
        elif name not in own_names:
            yield _foreign("name", _quoted(name), node, sorted(own_names))
        yield from _taken(_quoted(name), node, others.besides(name, node.name))
    for address in dict.fromkeys(wanted.addresses):
        if address.is_link_local or address.is_multicast:
            yield Refusal("bad-address", f"It asks for {address}, which is no address of one machine alone.", _DENY)
        elif address not in own_addresses:
            yield _foreign("address", str(address), node, sorted(map(str, own_addresses)))
        yield from _taken(str(address), node, others.besides(canonical(address), node.name))


def _foreign(what: str, wanted: str, node: Node, own: list[str]) -> Refusal:
    shown = ", ".join(map(_quoted, own)) if what == "name" else ", ".join(own)
    detail = f"It asks for the {what} {wanted}, which is not one of {_quoted(node.name)} ({shown or 'it has none'})."
    return Refusal(f"foreign-{what}", detail, _STALE)


def _taken(wanted: str, node: Node, owner: str) -> Iterator[Refusal]:
    if owner:
        detail = f"It asks for {wanted}, which belongs to {owner}."
        remedy = f"deny it; if that is {_quoted(node.name)}'s as well, give each an address or name of its own"
        yield Refusal("taken", detail, remedy)
