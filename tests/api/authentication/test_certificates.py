"""Which certificates a pool accepts; the table is Go's, but for two rows that say otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from kubevitals.api.authentication.certificates import CertificatePool, CertificateRefused, bundle_pool
from kubevitals.errors import ConfigError


def _accepts(pool, chain, now):
    try:
        pool.verify(chain, now)
    except CertificateRefused:
        return False
    return True


def _critical(pki):
    return [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]


LEAVES = {
    "name only, no alternative names": (lambda pki: {}, True),
    "with alternative names": (lambda pki: {"hosts": ["a.example", "10.0.0.1"]}, True),
    "no extended key usage": (lambda pki: {"usages": None}, True),
    "any extended key usage": (lambda pki: {"usages": [pki.ANY_USAGE]}, True),
    "server and client": (lambda pki: {"usages": [pki.SERVER_AUTH, pki.CLIENT_AUTH]}, True),
    "server only": (lambda pki: {"usages": [pki.SERVER_AUTH]}, False),
    "expired": (lambda pki: {"end": pki.now - 1}, False),
    "not yet valid": (lambda pki: {"start": pki.now + 1}, False),
    "unknown critical extension": (lambda pki: {"extra": _critical(pki)}, False),
    "ECDSA P-384": (lambda pki: {"key": ec.generate_private_key(ec.SECP384R1())}, True),
    "RSA 1024": (lambda pki: {"key": rsa.generate_private_key(65537, 1024)}, True),
    "RSA 2048": (lambda pki: {"key": rsa.generate_private_key(65537, 2048)}, True),
    "Ed25519": (lambda pki: {"key": ed25519.Ed25519PrivateKey.generate()}, True),
}


@pytest.mark.parametrize("kind", LEAVES)
@pytest.mark.parametrize("key_ids", [True, False])
def test_leaf_is_judged_as_go_judges_it(pki, kind, key_ids):
    """A leaf signed by the pool's authority is accepted or refused by what it says of its use and time."""
    options, expected = LEAVES[kind]
    authority = pki.Authority(key_ids=key_ids)
    pool = CertificatePool(authority.pem)

    assert _accepts(pool, authority.issue("jane", **options(pki)).chain, pki.now) == expected


def test_authority_signing_with_ed25519_is_refused(pki):
    """A chain signed with Ed25519 is refused: the verifier does not know the algorithm."""
    authority = pki.Authority(key=ed25519.Ed25519PrivateKey.generate())

    assert not _accepts(CertificatePool(authority.pem), authority.issue("jane").chain, pki.now)


def test_version_1_certificate_is_refused(pki):
    """A certificate of X.509 version 1 has no key usages to judge by, and is refused."""
    authority = pki.Authority(key_ids=False)
    old = pki.version_1(authority.issue("jane", usages=None), authority.key)
    assert x509.load_der_x509_certificate(old).version == x509.Version.v1

    assert not _accepts(CertificatePool(authority.pem), (old,), pki.now)


def test_other_authority_of_the_same_name_is_refused(pki):
    """The signature counts, not the issuer's name."""
    pool = CertificatePool(pki.Authority("kubernetes").pem)

    assert not _accepts(pool, pki.Authority("kubernetes").issue("jane").chain, pki.now)


@pytest.mark.parametrize("key_ids", [True, False])
def test_two_authorities_of_one_name_both_count(pki, key_ids):
    """While an authority is rotated, the bundle holds the old and the new one under the same name."""
    old, new = (pki.Authority("kubernetes", key_ids=key_ids) for _ in range(2))
    pool = CertificatePool(old.pem + new.pem)

    assert [_accepts(pool, each.issue("jane").chain, pki.now) for each in (old, new)] == [True, True]


def test_authority_without_basic_constraints_is_refused(pki):
    """A version 3 certificate that does not say it is an authority is none."""
    authority = pki.Authority(basic=False)

    assert not _accepts(CertificatePool(authority.pem), authority.issue("jane").chain, pki.now)


def test_certificate_that_says_it_is_no_authority_is_none(pki):
    """An anchor whose basic constraints say it is no authority vouches only for itself."""
    authority = pki.Authority(basic=False, extra=[(x509.BasicConstraints(False, None), True)])

    assert not _accepts(CertificatePool(authority.pem), authority.issue("jane").chain, pki.now)


def test_rsa_key_below_1024_bits_is_refused(pki):
    """Go refuses such keys, whoever vouches for them; anybody can compute their private halves."""
    prime, other = (1 << 255) - 19, (1 << 256) - 189
    weak = SimpleNamespace(public_key=rsa.RSAPublicNumbers(65537, prime * other).public_key)
    authority = pki.Authority()
    pool = CertificatePool(authority.pem)

    with pytest.raises(CertificateRefused, match="RSA key of less than 1024 bits"):
        pool.verify(authority.issue("jane", key=weak).chain, pki.now)


def test_authority_with_a_key_of_unknown_kind_is_a_config_error(pki):
    """An authority that could vouch for nobody is a mistake in the bundle."""
    odd = pki.unknown_key(pki.Authority().certificate)

    with pytest.raises(ConfigError, match="unsupported kind"):
        CertificatePool(odd)


def test_authority_that_may_not_sign_certificates_is_refused(pki):
    """An authority whose key usage lacks keyCertSign vouches for nobody."""
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    authority = pki.Authority(extra=[(usage, True)])

    assert not _accepts(CertificatePool(authority.pem), authority.issue("jane").chain, pki.now)


def test_intermediate_must_be_presented(pki):
    """The intermediate comes from the caller; without it there is no way up to the anchor."""
    root = pki.Authority("root")
    leaf = pki.Authority("middle", parent=root).issue("jane")

    assert len(leaf.chain) == 2
    assert _accepts(CertificatePool(root.pem), leaf.chain, pki.now)
    assert not _accepts(CertificatePool(root.pem), leaf.chain[:1], pki.now)


def test_intermediate_can_be_the_anchor(pki):
    """A bundle may hold an intermediate authority alone."""
    middle = pki.Authority("middle", parent=pki.Authority("root"))

    assert _accepts(CertificatePool(middle.pem), middle.issue("jane").chain[:1], pki.now)


def test_intermediate_for_servers_vouches_for_no_client(pki):
    """An authority's own extended key usage limits what it may sign."""
    root = pki.Authority("root")
    middle = pki.Authority("middle", parent=root, usages=[pki.SERVER_AUTH])

    assert not _accepts(CertificatePool(root.pem), middle.issue("jane").chain, pki.now)


def test_path_length_is_kept(pki):
    """An authority that may only sign leaves has no authorities below it."""
    root = pki.Authority("root", path_length=0)
    middle = pki.Authority("middle", parent=root)

    assert not _accepts(CertificatePool(root.pem), middle.issue("jane").chain, pki.now)


def test_leaf_cannot_sign(pki):
    """Who holds a client certificate cannot make others."""
    root = pki.Authority("root")
    jane = root.issue("jane")
    forged = pki.Authority("jane", key=jane.key).issue("admin", ["system:masters"])

    assert not _accepts(CertificatePool(root.pem), (forged.der, jane.der), pki.now)


def test_self_signed_leaf_in_the_bundle_is_accepted(pki):
    """A bundle may name single certificates instead of authorities."""
    lonely = pki.Authority("lonely", basic=False)

    assert _accepts(CertificatePool(lonely.pem), (lonely.der,), pki.now)


def test_chain_of_garbage_is_refused(pki):
    """Bytes that are no certificate are refused like one of a stranger."""
    pool = CertificatePool(pki.Authority().pem)

    assert [_accepts(pool, (junk,), pki.now) for junk in (b"", b"\x30\x03abc", b"x" * 99)] == [False] * 3


def test_empty_pool_refuses_everything(pki):
    """An empty bundle is a pool that knows nobody."""
    with pytest.raises(CertificateRefused, match="no certificate authority is known"):
        CertificatePool(b"").verify(pki.Authority().issue("jane").chain, pki.now)


@pytest.mark.parametrize("pem", [b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_unreadable_bundle_is_a_config_error(pem):
    """A bundle that cannot be read raises instead of making a pool that trusts less than was meant."""
    with pytest.raises(ConfigError, match="readable PEM"):
        CertificatePool(pem)


def test_bundle_must_hold_something():
    """Where a bundle is configured, an empty one is a mistake."""
    with pytest.raises(ConfigError, match="empty"):
        bundle_pool(b" \n")


def test_text_between_certificates_does_not_matter(pki):
    """Bundles carry comments between their certificates."""
    authority = pki.Authority()

    assert _accepts(CertificatePool(b"# ours\n" + authority.pem), authority.issue("jane").chain, pki.now)


def test_subject_is_read_from_the_leaf(pki):
    """CN, every O, every uid and the fingerprint come from the presented leaf."""
    authority = pki.Authority()
    leaf = authority.issue("jane", ["dev", "ops"], uids=["7"])

    subject = CertificatePool(authority.pem).verify(leaf.chain, pki.now)

    assert subject[:3] == ("jane", ("dev", "ops"), ("7",))
    assert len(subject.fingerprint) == 64


def test_last_of_several_common_names_counts(pki):
    """Go takes the last common name, and both must see the same user."""
    authority = pki.Authority()
    both = x509.Name([*pki.subject("first"), *pki.subject("last")])

    assert CertificatePool(authority.pem).verify(authority.issue(names=both).chain, pki.now).common_name == "last"


def test_remembered_verdict_ends_with_the_certificate(pki):
    """A verdict that is remembered holds no longer than the certificates it was made from."""
    authority = pki.Authority()
    pool = CertificatePool(authority.pem)
    chain = authority.issue("jane", start=pki.now - 10, end=pki.now + 10).chain

    times = [pki.now, pki.now + 9, pki.now + 11, pki.now, pki.now - 11]
    assert [_accepts(pool, chain, at) for at in times] == [True, True, False, True, False]


def test_refusal_is_not_remembered_for_the_leaf(pki):
    """A leaf that came without its intermediate is accepted when it comes with it."""
    root = pki.Authority("root")
    chain = pki.Authority("middle", parent=root).issue("jane").chain
    pool = CertificatePool(root.pem)

    assert [_accepts(pool, part, pki.now) for part in (chain[:1], chain, chain[:1])] == [False, True, True]


def test_pool_includes_what_its_authorities_signed(pki):
    """A pool vouches for the same keys, under any name, and for authorities it signed, not for strangers."""
    root = pki.Authority("root")
    pool = CertificatePool(root.pem)
    others = {
        "the same": root,
        "renewed": pki.Authority("root", key=root.key),
        "renamed": pki.Authority("other", key=root.key),
        "signed": pki.Authority("middle", parent=root),
        "stranger": pki.Authority("root"),
    }

    included = [kind for kind, other in others.items() if pool.includes(CertificatePool(other.pem))]
    assert included == ["the same", "renewed", "renamed", "signed"]
