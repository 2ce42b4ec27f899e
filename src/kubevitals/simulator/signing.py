"""CertificateSigningRequests as the API server keeps them: who asked, and who may approve. Pure; nothing is signed."""

from __future__ import annotations

from kubevitals.model import User
from kubevitals.simulator import status
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import SIGNING_REQUESTS, Object

_FIXED = ("spec", "status")
_DECISIONS = ("Approved", "Denied")


def requested(item: Object, user: User) -> Object:
    """Return a new request with its requester written into it, and undecided."""
    asked_by = {"username": user.name, "groups": list(user.groups)} | ({"uid": user.uid} if user.uid else {})
    return {**item, "spec": {**(item.get("spec") or {}), **asked_by}, "status": {}}


def updated(current: Object, item: Object) -> Object:
    """Return a request as it is after an update: what was asked for and decided stays."""
    return {**item, **{key: current[key] for key in _FIXED if key in current}}


def decided(current: Object, item: Object) -> Object:
    """Return a request as it is after an update of its approval: its conditions are those of ``item``.

    Raises:
        Refused: 422 for a request that is both approved and denied.
    """
    conditions = (item.get("status") or {}).get("conditions") or []
    if {each.get("type") for each in conditions} >= set(_DECISIONS):
        message = f"{SIGNING_REQUESTS.kind}.{SIGNING_REQUESTS.group} is invalid: Approved and Denied exclude each other"
        raise status.Refused(status.status(422, "Invalid", message))
    metadata = {**current["metadata"], "resourceVersion": item["metadata"].get("resourceVersion")}
    return {**current, "metadata": metadata, "status": {**(current.get("status") or {}), "conditions": conditions}}


def approver_questions(request: Object) -> tuple[Attributes, ...]:
    """Return what the API server asks besides: one right of these must be there, by signer or by its domain."""
    name = request["spec"].get("signerName", "")
    names = (name, f"{name.partition('/')[0]}/*")
    return tuple(Attributes("approve", "", SIGNING_REQUESTS.group, "*", "signers", name=each) for each in names)


def not_permitted(request: Object) -> status.Refused:
    """403 for who may update approvals, but not approve for this signer."""
    name, signer = request["metadata"]["name"], request["spec"].get("signerName", "")
    message = (
        f'{SIGNING_REQUESTS.qualified} "{name}" is forbidden: user not permitted to approve requests with signerName '
        f'"{signer}"'
    )
    return status.Refused(status.status(403, "Forbidden", message))
