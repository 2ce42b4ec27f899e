"""Who the API server takes us for: the Authorization header and the client certificate."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from kubevitals.errors import ConfigError
from kubevitals.kube.files import Content, FileContent


class Credentials(Protocol):
    """What proves an identity, renewed as it ages."""

    async def authorization(self) -> str | None:
        """Return the value of the Authorization header, such as ``Bearer …``; None when there is none.

        Raises:
            ConfigError: there should be one and it cannot be had.
        """
        ...

    def client_certificate(self) -> tuple[bytes, bytes] | None:
        """Return certificate chain and key in PEM; None when there is none. Call ``authorization`` first."""
        ...

    async def refresh(self) -> bool:
        """Look for newer credentials after a 401; True if something changed and asking again may help."""
        ...


class NoCredentials:
    """Nothing to show: the API server sees ``system:anonymous``."""

    async def authorization(self) -> str | None:
        """No header."""
        return None

    def client_certificate(self) -> tuple[bytes, bytes] | None:
        """No certificate."""
        return None

    async def refresh(self) -> bool:
        """Nothing to renew."""
        return False


class StaticToken(NoCredentials):
    """A bearer token that never changes."""

    def __init__(self, token: str) -> None:
        self._header = bearer(token, "token")

    async def authorization(self) -> str | None:
        """The bearer token."""
        return self._header


class BasicAuth(NoCredentials):
    """User name and password; API servers from Kubernetes 1.19 on refuse them, proxies in front may not."""

    def __init__(self, username: str, password: str) -> None:
        pair = base64.b64encode(f"{username}:{password}".encode())
        self._header = f"Basic {pair.decode()}"

    async def authorization(self) -> str | None:
        """User name and password."""
        return self._header


class TokenFile(NoCredentials):
    """A bearer token in a file that is replaced from time to time, as mounted service account tokens are.

    Args:
        path: the file.
        what: what it is, for error messages.
        now: seconds since the epoch.
        every: seconds between two looks at the file.

    Raises:
        ConfigError: the file cannot be read, or is empty.
    """

    def __init__(self, path: Path, now: Callable[[], float], *, what: str = "token", every: float = 60.0) -> None:
        self._what = what
        self._file = FileContent(path, what, now, every=every)

    async def authorization(self) -> str | None:
        """The token in the file, at most ``every`` seconds old."""
        return bearer(self._file.content().decode("ascii", "replace"), self._what)

    async def refresh(self) -> bool:
        """Read the file again; True if the token is another one."""
        return self._file.reread()


class IdToken(NoCredentials):
    """The id-token that the ``oidc`` auth-provider left in a kubeconfig, while it is valid; never renewed.

    Args:
        token: a JSON web token.
        what: where it stands, for error messages.
        now: seconds since the epoch.

    Raises:
        ConfigError: the text is no JSON web token.
    """

    def __init__(self, token: str, what: str, now: Callable[[], float]) -> None:
        self._header = bearer(token, what)
        self._expires = _token_expiry(token, what)
        self._what = what
        self._now = now

    async def authorization(self) -> str | None:
        """The id-token, unless it has expired."""
        if self._now() >= self._expires:
            raise ConfigError(
                f"{self._what} has expired, and the oidc auth-provider is not supported beyond that; "
                "use an exec plugin such as kubelogin (kubectl oidc-login) for this user"
            )
        return self._header


class ClientCertificate(NoCredentials):
    """A client certificate and its key."""

    def __init__(self, certificate: Content, key: Content) -> None:
        self._certificate = certificate
        self._key = key

    def client_certificate(self) -> tuple[bytes, bytes] | None:
        """Certificate chain and key in PEM."""
        return self._certificate.content(), self._key.content()

    async def refresh(self) -> bool:
        """Read both files again; True if one changed."""
        changed = [self._certificate.reread(), self._key.reread()]
        return any(changed)


class CertificateAndHeader:
    """A client certificate from one source and the Authorization header from another."""

    def __init__(self, certificate: Credentials, header: Credentials) -> None:
        self._certificate = certificate
        self._header = header

    async def authorization(self) -> str | None:
        """The header of the second source."""
        return await self._header.authorization()

    def client_certificate(self) -> tuple[bytes, bytes] | None:
        """The certificate of the first source."""
        return self._certificate.client_certificate()

    async def refresh(self) -> bool:
        """Renew both; True if one changed."""
        changed = [await self._certificate.refresh(), await self._header.refresh()]
        return any(changed)


def bearer(token: str, what: str) -> str:
    """Return the Authorization header for a token.

    Raises:
        ConfigError: the token has characters that no header may carry; the token itself is not shown.
    """
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"{what} is not a bearer token: it is empty, or has blanks or control characters")
    return f"Bearer {token}"


class _Claims(msgspec.Struct):
    exp: float


def _token_expiry(token: str, what: str) -> float:
    try:
        payload = token.split(".")[1]
        claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(claims, type=_Claims).exp
    except (IndexError, ValueError, msgspec.DecodeError) as error:
        raise ConfigError(f"{what} is not a JSON web token with an expiry") from error
