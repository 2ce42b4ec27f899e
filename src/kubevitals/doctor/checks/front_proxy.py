"""Does the provider believe the certificate of the API server's front proxy? Pure.

A provider in Go answers 401 and writes why into its log. One that ends the handshake makes the API server say ``remote
error: tls: `` and the name that Go's crypto/tls has for the alert, or ``EOF`` where the alert is not sent, as with
asyncio; kubevitals, which is such a one, writes why into its log, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from kubevitals.doctor.checks.path import kubelet_answers, message, status
from kubevitals.doctor.checks.pod import no_aggregation
from kubevitals.doctor.evidence import Evidence, Unseen, text_of
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.loglines import refusals, without_head
from kubevitals.doctor.running import restart
from kubevitals.doctor.words import condition_line, shortened

_ALERT: Final = re.compile(
    r"remote error: tls: (?:expired certificate|unsupported certificate|bad certificate|unknown certificate"
    r"|error decrypting message)"
)
_CUT: Final = re.compile(r"\bEOF$|connection reset by peer|broken pipe")
_HANDSHAKE: Final = "TLS handshake failed"
_EXPIRED: Final = re.compile(r"certificate has expired|expired certificate|not yet valid")
_NOT_FOR_CLIENTS: Final = re.compile(r"incompatible key usage|unsupported certificate|certificate purpose")
_UNLISTED: Final = re.compile(r"subject with cn=(\S+) is not in the allowed list")
_AUTHORITY: Final = "requestheader-client-ca-file"
_PKI: Final = "/etc/kubernetes/pki"
_RESTART: Final = """\
mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/ && sleep 30
mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/"""


def refused(evidence: Evidence) -> Iterator[Finding]:
    """D11: the provider does not accept the API server's front-proxy certificate."""
    if not _refuses(evidence) or list(expired(evidence)) or list(not_for_clients(evidence)) or unlisted(evidence):
        return
    answers = "answers 401 to the API server" if status(evidence) else "ends the API server's connections"
    yield Finding(
        f"The provider {answers}: it does not accept the certificate of its front proxy.",
        refused_lines(evidence),
        (
            Remedy(
                "After a rotation of that authority, restart a provider that has only read the old one; kubevitals "
                "reads the new one by itself.",
                restart(evidence),
            ),
            Remedy(
                "Remove --requestheader-client-ca-file from the provider's flags, or let it name the authority that "
                "signed the API server's --proxy-client-cert-file.",
                "kubectl -n kube-system get configmap extension-apiserver-authentication -o "
                "jsonpath='{.data.requestheader-client-ca-file}' | openssl x509 -noout -subject -enddate",
            ),
        ),
    )


def expired(evidence: Evidence) -> Iterator[Finding]:
    """D12: the front proxy's certificate has expired, or the authority that it is of."""
    authorities = _expired_authorities(evidence)
    if not authorities and not (_refuses(evidence) and _EXPIRED.search(_said(evidence))):
        return
    what = "authority of the API server's front proxy" if authorities else "certificate of the API server's front proxy"
    rest = "the provider does not believe it" if message(evidence) else "connections that are new are not believed"
    yield Finding(
        f"The {what} has expired, or is not valid yet: {rest}.",
        (*refused_lines(evidence), *authorities),
        (_new_authority(), _clock()) if authorities else (_renewed(), _clock()),
        "broken" if message(evidence) else "degraded",
    )


def not_for_clients(evidence: Evidence) -> Iterator[Finding]:
    """D13: the front proxy's certificate is one for servers, not for clients."""
    if not _refuses(evidence) or not _NOT_FOR_CLIENTS.search(_said(evidence)) or list(expired(evidence)):
        return
    yield Finding(
        "The certificate of the API server's front proxy is not for clients, so that the provider refuses it.",
        refused_lines(evidence),
        (
            Remedy(
                "With kubeadm, have it made again on each control-plane node, and restart kube-apiserver there.",
                f"# on each control-plane node:\nrm {_PKI}/front-proxy-client.crt {_PKI}/front-proxy-client.key\n"
                f"kubeadm init phase certs front-proxy-client\n{_RESTART}",
            ),
            Remedy(
                "Else issue what --proxy-client-cert-file names again, with the extended key usage clientAuth; this "
                "tells what it is for.",
                f"openssl x509 -in {_PKI}/front-proxy-client.crt -noout -purpose | grep 'SSL client'  "
                "# on a control-plane node",
            ),
        ),
    )


def unlisted(evidence: Evidence) -> str:
    """Return the name of the front proxy's certificate where the provider says that it may not speak for others."""
    found = _UNLISTED.search(_said(evidence)) if _refuses(evidence) else None
    return found[1] if found else ""


# --- what was seen ------------------------------------------------------------------------------------------


def _refuses(evidence: Evidence) -> bool:
    """Return whether it is the provider that refuses the API server, and by an authority that it was told."""
    if list(kubelet_answers(evidence)) or list(no_aggregation(evidence)):
        return False
    return status(evidence) == "401" or bool(_ALERT.search(message(evidence))) or _cut_off(evidence)


def _cut_off(evidence: Evidence) -> bool:
    return bool(_CUT.search(message(evidence))) and any(_HANDSHAKE in line for line in _newest(evidence))


def _said(evidence: Evidence) -> str:
    """Return why, as far as the message or the newest line of the log tells."""
    alert = _ALERT.search(message(evidence))
    return alert[0] if alert else " ".join(_newest(evidence))


def _newest(evidence: Evidence) -> Sequence[str]:
    lines = [
        f"log of {pod}: {without_head(found[-1])}"
        for pod, log in evidence.logs.items()
        if (found := refusals(text_of(log)))
    ]
    return lines[:1]


def refused_lines(evidence: Evidence) -> tuple[str, ...]:
    """Return the lines of evidence: what the API server says, and the provider where that tells more."""
    lines = () if _ALERT.search(message(evidence)) else _newest(evidence)
    return (*condition_line(evidence), *map(shortened, lines))


def _expired_authorities(evidence: Evidence) -> list[str]:
    """Return a line for each published authority when none of them is valid now; a good one beside others will do."""
    data = None if isinstance(evidence.published, Unseen) else evidence.published.data
    now = datetime.fromtimestamp(evidence.now, UTC)
    try:
        found = x509.load_pem_x509_certificates((data or {}).get(_AUTHORITY, "").encode())
        over = [item for item in found if not item.not_valid_before_utc <= now <= item.not_valid_after_utc]
        return [_validity(item) for item in over] if len(over) == len(found) else []
    except ValueError:
        return []


def _validity(item: x509.Certificate) -> str:
    place = "ConfigMap kube-system/extension-apiserver-authentication"
    since, until = (moment.date() for moment in (item.not_valid_before_utc, item.not_valid_after_utc))
    return shortened(f"{place}: {item.subject.rfc4514_string()} is valid from {since} until {until}")


# --- what helps ---------------------------------------------------------------------------------------------


def _renewed() -> Remedy:
    return Remedy(
        "Renew it on each control-plane node, and restart kube-apiserver there, which may still use the old one.",
        f"# on each control-plane node:\nkubeadm certs renew front-proxy-client\n{_RESTART}",
    )


def _new_authority() -> Remedy:
    return Remedy(
        "Make a new authority on one control-plane node, as kubeadm renews none; copy it to the others, and have the "
        "certificate made again and kube-apiserver restarted on each.",
        f"mkdir /root/front-proxy-old && mv {_PKI}/front-proxy-* /root/front-proxy-old/  # on each control-plane node\n"
        f"kubeadm init phase certs front-proxy-ca  # on one; then copy {_PKI}/front-proxy-ca.* to the others\n"
        f"kubeadm init phase certs front-proxy-client  # on each, as what follows\n{_RESTART}",
    )


def _clock() -> Remedy:
    return Remedy("Where its dates are good, set the clocks of the nodes right.", "timedatectl set-ntp true  # there")
