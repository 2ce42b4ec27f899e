"""Bearer tokens of service accounts: JSON Web Tokens signed by the cluster, as the API server issues them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from kubevitals.model import User

ISSUER = "https://kubernetes.default.svc.cluster.local"
_HALF = 32  # bytes of each half of a P-256 signature


class Tokens:
    """Issues and checks tokens; what is revoked stays refused.

    Args:
        now: the wall clock, in seconds since the epoch.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._revoked: set[str] = set()
        self._known: dict[str, dict[str, Any]] = {}  # claims of tokens whose signature was checked, by digest

    def issue(self, namespace: str, name: str, uid: str = "", *, lifetime: float = 3600.0) -> str:
        """Return a token that says its bearer is a service account, for ``lifetime`` seconds."""
        now = int(self._now())
        claims = {
            "aud": [ISSUER],
            "exp": now + int(lifetime),
            "iat": now,
            "iss": ISSUER,
            "jti": secrets.token_hex(16),
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        head = _encode(msgspec.json.encode({"alg": "ES256", "typ": "JWT"}))
        signed = f"{head}.{_encode(msgspec.json.encode(claims))}"
        return f"{signed}.{_encode(self._sign(signed.encode()))}"

    def revoke(self, token: str) -> None:
        """Refuse a token from now on."""
        self._revoked.add(_digest(token))

    def user(self, token: str) -> User | None:
        """Return whose token it is; None when it is not ours, revoked or over."""
        claims = self._claims(token)
        if claims is None or _digest(token) in self._revoked or claims["exp"] <= self._now():
            return None
        account = claims["kubernetes.io"]
        namespace = account["namespace"]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        extra = {"authentication.kubernetes.io/credential-id": (f"JTI={claims['jti']}",)}
        return User(claims["sub"], groups, account["serviceaccount"]["uid"], extra)

    def _claims(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token we signed; a signature is checked once."""
        digest = _digest(token)
        if digest not in self._known:
            claims = self._verified(token)
            if claims is None:
                return None
            self._known[digest] = claims
        return self._known[digest]

    def _verified(self, token: str) -> dict[str, Any] | None:
        signed, _, signature = token.rpartition(".")
        try:
            raw = _decode(signature)
            halves = (int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))
            verifier = self._key.public_key()
            verifier.verify(encode_dss_signature(*halves), signed.encode(), ec.ECDSA(SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            return None
        claims: dict[str, Any] = msgspec.json.decode(_decode(signed.partition(".")[2]))
        return claims

    def _sign(self, content: bytes) -> bytes:
        first, second = decode_dss_signature(self._key.sign(content, ec.ECDSA(SHA256())))
        return first.to_bytes(_HALF) + second.to_bytes(_HALF)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
