"""Approving requests that were examined, exactly as they were examined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.kube.client import ApiClient
from kubevitals.kubeletcerts import rights
from kubevitals.kubeletcerts.reading import REQUESTS, Examined

REASON: Final = "KubevitalsApprove"
_CHECKED: Final = (
    "The node itself asked; subject, usages, key and signature are as the signer wants them; every name and address"
    " is one of the Node object, and of no other node or known Service."
)
_GONE, _CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request; ``words`` say why it was not approved, in a sentence, or more for a right."""

    name: str
    state: Literal["approved", "skipped", "failed"]
    words: str = ""


async def approve(client: ApiClient, chosen: Sequence[Examined]) -> list[Outcome]:
    """Approve requests one by one, those that may be; what would fail for all ends it, and the rest is not tried."""
    outcomes: list[Outcome] = []
    for each in (one for one in chosen if one.approvable):
        outcomes.append(await _approve(client, each))
        if outcomes[-1].state == "failed":
            break
    return outcomes


async def _approve(client: ApiClient, examined: Examined) -> Outcome:
    name = examined.asked.name
    try:
        await client.put(f"{REQUESTS}/{quote(name, safe='')}/approval", msgspec.json.encode(_approved(examined)))
    except ApiStatusError as error:
        return _refused(name, error)
    except ApiServerError as error:
        return Outcome(name, "failed", str(error))
    return Outcome(name, "approved")


def _approved(examined: Examined) -> dict[str, object]:
    """Return the object with the condition; it carries the resourceVersion of what was examined."""
    whole = examined.asked.whole
    condition = {"type": "Approved", "status": "True", "reason": REASON, "message": _CHECKED}
    status = whole.get("status") or {}
    head = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    conditions = [*(status.get("conditions") or ()), condition]
    return {**head, **whole, "status": {**status, "conditions": conditions}}


def _refused(name: str, error: ApiStatusError) -> Outcome:
    if error.code == _GONE:
        return Outcome(name, "skipped", "it is gone; the kubelet asks again")
    if error.code == _CONFLICT:
        return Outcome(name, "skipped", "it has changed since it was examined; look again with the same command")
    return Outcome(name, "failed", str(rights.explained(error, "approve it", rights.APPROVAL)))
