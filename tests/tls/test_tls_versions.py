"""TLS versions and cipher suites by their Go names."""

from __future__ import annotations

import ssl

import pytest

from kubevitals.errors import UsageError
from kubevitals.tls import cipher_list, insecure_ciphers, minimum_version, versions


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ssl.TLSVersion.TLSv1_2),
        ("VersionTLS10", ssl.TLSVersion.TLSv1_2),
        ("VersionTLS12", ssl.TLSVersion.TLSv1_2),
        ("VersionTLS13", ssl.TLSVersion.TLSv1_3),
    ],
)
def test_minimum_version(name, expected):
    """The flag's names are Go's; nothing below 1.2 is spoken."""
    assert minimum_version(name) == expected


def test_unknown_version_is_a_usage_error():
    """Another name is refused in upstream's words."""
    with pytest.raises(UsageError, match=r'unknown tls version "TLS1\.3"'):
        minimum_version("TLS1.3")


def test_ciphers_are_translated_in_order():
    """Suites keep their order and appear once; those of TLS 1.3 have no effect."""
    names = [
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ]

    assert cipher_list(names) == "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
    assert cipher_list([]) == ""


def test_unknown_ciphers_are_all_named():
    """Every unknown suite is a problem of its own, in upstream's words."""
    with pytest.raises(UsageError) as refused:
        cipher_list(["A", "TLS_AES_128_GCM_SHA256", "B"])

    assert refused.value.problems == tuple(f"Cipher suite {name} not supported or doesn't exist" for name in "AB")


def test_every_suite_is_known_to_openssl():
    """Each OpenSSL name we translate to is one that OpenSSL accepts."""
    for name in {*versions._SECURE.values(), *versions._INSECURE.values()} - {""}:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(name)
        assert name in [cipher["name"] for cipher in context.get_ciphers()]


def test_insecure_ciphers_are_pointed_out():
    """Suites that Go calls insecure are accepted, and can be warned about."""
    names = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]

    assert (cipher_list(names), insecure_ciphers(names)) == (
        "AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384",
        ["TLS_RSA_WITH_AES_128_CBC_SHA"],
    )
