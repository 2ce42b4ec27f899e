"""Does the provider trust the certificates that the kubelets show? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubevitals.doctor.evidence import Evidence, Unseen
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.groups import Group, finding, group, how_many, named
from kubevitals.doctor.objects import SigningRequest
from kubevitals.doctor.running import flag, is_ours, mounted_authority, with_flags
from kubevitals.doctor.troubles import node_status, setting
from kubevitals.doctor.words import count, names, shortened

_BOOTSTRAP = """\
# on each of these nodes, in /var/lib/kubelet/config.yaml:
serverTLSBootstrap: true
# and then there:
systemctl restart kubelet
# at last, here:
"""
_APPROVE = "kubevitals approve-kubelet-certs"
_CA_FILE = "/etc/kubernetes/kubelet-ca/ca.crt"
_MOUNTED = f"with the kubelets' authority mounted in its pod as {_CA_FILE}"
_LISTED = "kubectl get csr --field-selector spec.signerName=kubernetes.io/kubelet-serving"


def address_not_named(evidence: Evidence) -> Iterator[Finding]:
    """D19: kubelets show self-made certificates, which do not name the address that is dialled."""
    found = group(evidence, "D19")
    if found:
        summary = (
            f"The certificates of the kubelets of {how_many(evidence, found)} are self-made, or do not name the "
            "address that the provider dials, so that it cannot verify them."
        )
        remedies = [*_signed(evidence, found), *_by_name(evidence), _unverified(evidence, found)]
        yield finding(evidence, found, summary, remedies, [*_bootstrap(evidence, found), *_shown(evidence, found)])


def unknown_authority(evidence: Evidence) -> Iterator[Finding]:
    """D20: the kubelets' certificates are of an authority that the provider does not know."""
    found = group(evidence, "D20")
    if found:
        summary = (
            f"The certificates of the kubelets of {how_many(evidence, found)} are signed by an authority that the "
            "provider does not know, or are not what it accepted before."
        )
        trust = Remedy(
            f"Or let the provider trust the authority that signed them, {_MOUNTED}.",
            f"{mounted_authority(evidence, _CA_FILE)}\n"
            f"{with_flags(evidence, f'--kubelet-certificate-authority={_CA_FILE}')}",
        )
        remedies = [*_accept(evidence), *_signed(evidence, found), trust, _unverified(evidence, found)]
        yield finding(evidence, found, summary, remedies, [*_bootstrap(evidence, found), *_shown(evidence, found)])


def no_certificate(evidence: Evidence) -> Iterator[Finding]:
    """D21: a kubelet has no serving certificate, as nobody approved its request for one."""
    found = group(evidence, "D21")
    if not found:
        return
    waiting = _pending(evidence, found)
    summary = f"The kubelets of {how_many(evidence, found)} have no serving certificate: " + (
        f"{count(len(waiting), 'request')} for one {'waits' if len(waiting) == 1 else 'wait'} for approval."
        if waiting
        else "a request for one waits for approval, or was never made."
    )
    yield finding(evidence, found, summary, list(_approval(waiting, found)), list(_requests(evidence, waiting)))


def expired(evidence: Evidence) -> Iterator[Finding]:
    """D22: a kubelet's certificate has expired; those that kubelets make themselves last a year."""
    found = group(evidence, "D22")
    if not found:
        return
    early = all("not yet valid" in trouble.said and "expired" not in trouble.said for trouble in found)
    if early:
        summary = f"The certificates of the kubelets of {how_many(evidence, found)} are not valid yet: clocks differ."
        remedies = [Remedy("Set the clocks of these nodes and of the provider's node right.", "timedatectl status")]
    else:
        summary = f"The certificates of the kubelets of {how_many(evidence, found)} have expired."
        again = (
            "rm /var/lib/kubelet/pki/kubelet.crt /var/lib/kubelet/pki/kubelet.key  # on each of these nodes\n"
            "systemctl restart kubelet"
        )
        text = "Or let each of these kubelets make itself another one, which lasts a year and names no address."
        remedies = [*_signed(evidence, found), Remedy(text, again)]
    yield finding(evidence, found, summary, remedies, list(_shown(evidence, found)))


# --- what was seen ------------------------------------------------------------------------------------------


def _bootstrap(evidence: Evidence, found: Group) -> Iterator[str]:
    """Yield which of these nodes ask the cluster's authority for certificates, as far as their kubelets were asked."""
    views = {trouble.node: evidence.kubelets.get(trouble.node) for trouble in found}
    asked = {name: view for name, view in views.items() if view and not isinstance(view.config, Unseen)}
    off = [name for name, view in asked.items() if setting(view, "serverTLSBootstrap") is not True]
    on = [name for name in asked if name not in off]
    for words, some_ in (("off", off), ("on", on)):
        if some_:
            yield f"configz of {named(some_)}: serverTLSBootstrap is {words}"


def _shown(evidence: Evidence, found: Group) -> Iterator[str]:
    """Yield the certificate of the first node of which it is known."""
    status = node_status(evidence)
    for trouble in found:
        shown = status.get(trouble.node, {}).get("certificate")
        if isinstance(shown, dict):
            for_ = names([str(name) for name in shown.get("names", ())]) or "nothing"
            text = f"issued by {shown.get('issuer')} for {for_}, until {shown.get('notAfter')}"
            yield f"certificate of {trouble.node}: {shortened(text)}"
            return


def _pending(evidence: Evidence, found: Group) -> list[SigningRequest]:
    requests = () if isinstance(evidence.requests, Unseen) else evidence.requests
    users = {f"system:node:{trouble.node}" for trouble in found}
    return [item for item in requests if item.pending and item.spec.username in users]


def _requests(evidence: Evidence, waiting: Sequence[SigningRequest]) -> Iterator[str]:
    if waiting:
        shown = names([f"{item.metadata.name} of {item.spec.username}" for item in waiting], 3)
        yield f"kubectl get csr: pending {shown}"
    elif not isinstance(evidence.requests, Unseen):
        yield "kubectl get csr: none is pending of these nodes for kubernetes.io/kubelet-serving"


# --- what helps ---------------------------------------------------------------------------------------------


def _signed(evidence: Evidence, found: Group) -> Iterator[Remedy]:
    off = any(": serverTLSBootstrap is off" in line for line in _bootstrap(evidence, found))
    on = any(": serverTLSBootstrap is on" in line for line in _bootstrap(evidence, found))
    if on and not off:
        text = "Approve what these kubelets ask the cluster's authority to sign, and restart one that asks for nothing."
        yield Remedy(text, f"{_LISTED}\n{_APPROVE}")
    else:
        text = (
            "Let the cluster's authority sign the kubelets' certificates, with their addresses in them; each request "
            "is to be approved, and again when a certificate is renewed."
        )
        yield Remedy(text, f"{_BOOTSTRAP}{_APPROVE}")


def _by_name(evidence: Evidence) -> Iterator[Remedy]:
    if not is_ours(evidence):
        text = (
            "Or use kubevitals as the provider, which can hold each kubelet to the certificate that it showed first; "
            "metrics-server cannot."
        )
        yield Remedy(text, "kubevitals manifests --pins | kubectl apply -f -")
        return
    text = f"Or verify the nodes' names, which self-made certificates do hold, {_MOUNTED}."
    flags = "--kubelet-tls-server-name=node-name", f"--kubelet-certificate-authority={_CA_FILE}"
    yield Remedy(text, f"{mounted_authority(evidence, _CA_FILE)}\n{with_flags(evidence, *flags)}")
    text = "Or hold each kubelet to the certificate that it shows first; no authority is needed."
    yield Remedy(text, "kubevitals manifests --pins | kubectl apply -f -")


def _accept(evidence: Evidence) -> Iterator[Remedy]:
    place = flag(evidence, "--kubelet-tls-pin")
    if place:
        text = f"If the kubelets have new certificates for a reason that you know, remove their lines from {place}."
        where, _, name = place.removeprefix("secret:").partition("/")
        command = f"kubectl -n {where} edit secret {name}" if place.startswith("secret:") else ""
        yield Remedy(text, command)


def _unverified(evidence: Evidence, found: Group) -> Remedy:
    text = (
        f"For a test cluster only: do not verify kubelets; whoever can answer in place of {count(len(found), 'node')} "
        "then gets the provider's token and chooses the numbers."
    )
    return Remedy(text, with_flags(evidence, "--kubelet-insecure-tls"), insecure=True)


def _approval(waiting: Sequence[SigningRequest], found: Group) -> Iterator[Remedy]:
    nodes = " ".join(trouble.node for trouble in found[:10])
    text = "Approve their requests, after comparing each with its node, which this does."
    yield Remedy(text, f"{_APPROVE} {nodes}" if len(found) <= 10 else _APPROVE)
    if waiting:
        newest = {item.spec.username: item.metadata.name for item in waiting}  # the others' keys are forgotten
        text = "Or approve them with kubectl, after a look at who asks for which addresses."
        yield Remedy(text, f"{_LISTED}\nkubectl certificate approve {' '.join(list(newest.values())[:50])}")
    else:
        text = "If none is pending, restart the kubelet, so that it asks."
        yield Remedy(text, "systemctl restart kubelet  # on each of these nodes")
    yield Remedy("To renew certificates without a person, run an approver; Kubernetes has none for this signer.")
