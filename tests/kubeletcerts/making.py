"""Certificate signing requests as kubelets make them, and as nobody should."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SIGNER = "kubernetes.io/kubelet-serving"
USAGES = ("digital signature", "key encipherment", "server auth")
KEY = ec.generate_private_key(ec.SECP256R1())
PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def alternative(name: str | x509.GeneralName) -> x509.GeneralName:
    """Return an address or DNS name; what is a name already is left as it is."""
    if isinstance(name, x509.GeneralName):
        return name
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def subject(user: str, *organizations: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    parts += [x509.NameAttribute(NameOID.COMMON_NAME, user)] if user else []
    return x509.Name(parts)


def pem(
    node: str,
    names: Sequence[str | x509.GeneralName],
    *,
    name: x509.Name | None = None,
    key: Any = KEY,
    algorithm: Any = SHA256(),  # noqa: B008
    extensions: Sequence[x509.ExtensionType] = (),
    attributes: Sequence[tuple[x509.ObjectIdentifier, bytes]] = (),
) -> bytes:
    """Return a request of a node for names and addresses."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        name if name is not None else subject(f"system:node:{node}", "system:nodes")
    )
    alternatives = [x509.SubjectAlternativeName([alternative(each) for each in names])] if names else []
    for extension in (*alternatives, *extensions):
        builder = builder.add_extension(extension, critical=False)
    for oid, value in attributes:
        builder = builder.add_attribute(oid, value)
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM)


def manifest(name: str, request: bytes, *, usages: Sequence[str] = USAGES, signer: str = SIGNER, **more: Any) -> dict:
    """Return the object that a kubelet posts."""
    spec = {"request": base64.b64encode(request).decode(), "signerName": signer, "usages": list(usages), **more}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": spec,
    }
