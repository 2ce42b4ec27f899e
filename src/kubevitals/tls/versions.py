"""TLS versions and cipher suites by the names that Go and Kubernetes give them."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from kubevitals.errors import UsageError

# OpenSSL 3 does not speak 1.0 and 1.1 at its default security level; asking for less than 1.2 gives 1.2.
_VERSIONS = {
    "VersionTLS10": ssl.TLSVersion.TLSv1_2,
    "VersionTLS11": ssl.TLSVersion.TLSv1_2,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}
_NOT_CONFIGURABLE = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
_SECURE = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_INSECURE = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    # OpenSSL 3 no longer has these; they are accepted and offer nothing.
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": "",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": "",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "",
    "TLS_RSA_WITH_RC4_128_SHA": "",
}


def minimum_version(name: str) -> ssl.TLSVersion:
    """Return the version that ``--tls-min-version`` names; empty is TLS 1.2.

    Raises:
        UsageError: no such version; worded as the API server library words it.
    """
    if not name:
        return ssl.TLSVersion.TLSv1_2
    if name not in _VERSIONS:
        raise UsageError([f'unknown tls version "{name}"'])
    return _VERSIONS[name]


def cipher_list(names: Sequence[str]) -> str:
    """Return ``--tls-cipher-suites`` in OpenSSL's words; empty means OpenSSL's own choice.

    The suites of TLS 1.3 are not configurable, in Go neither.

    Raises:
        UsageError: unknown names, one problem each; worded as the API server library words it.
    """
    known = _SECURE | _INSECURE | dict.fromkeys(_NOT_CONFIGURABLE, "")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError([f"Cipher suite {name} not supported or doesn't exist" for name in unknown])
    return ":".join(dict.fromkeys(known[name] for name in names if known[name]))


def insecure_ciphers(names: Sequence[str]) -> list[str]:
    """Return those of the names that deserve a warning."""
    return [name for name in names if name in _INSECURE]
