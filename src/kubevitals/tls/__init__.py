"""TLS on both sides: the certificate we show, the callers we let in, and the contexts towards kubelets."""

from kubevitals.tls.client import ReloadingContext, check, client_context
from kubevitals.tls.files import ReloadingFile, ReloadingFiles
from kubevitals.tls.keypair import KeyPair, parse_key_pair
from kubevitals.tls.listener import HandshakeFailure, ServerTls
from kubevitals.tls.peer import peer_chain
from kubevitals.tls.serving import GivenCertificate, NamedCertificate, ServingCertificate, serving_certificate
from kubevitals.tls.versions import cipher_list, insecure_ciphers, minimum_version

__all__ = [
    "GivenCertificate",
    "HandshakeFailure",
    "KeyPair",
    "NamedCertificate",
    "ReloadingContext",
    "ReloadingFile",
    "ReloadingFiles",
    "ServerTls",
    "ServingCertificate",
    "check",
    "cipher_list",
    "client_context",
    "insecure_ciphers",
    "minimum_version",
    "parse_key_pair",
    "peer_chain",
    "serving_certificate",
]
