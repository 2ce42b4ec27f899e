"""One user entry of a kubeconfig becomes credentials and impersonation headers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from kubevitals.errors import ConfigError
from kubevitals.kube.credentials import (
    BasicAuth,
    CertificateAndHeader,
    ClientCertificate,
    Credentials,
    IdToken,
    NoCredentials,
    StaticToken,
    TokenFile,
)
from kubevitals.kube.exec_plugin import ExecPlugin
from kubevitals.kube.files import Content, FileContent, FixedContent
from kubevitals.kube.kubeconfig import Entry, UserEntry
from kubevitals.tls import check

Header = tuple[str, str]


class Surroundings(NamedTuple):
    """What credentials need from outside the kubeconfig.

    ``now`` gives seconds since the epoch; ``interactive`` says whether a person sits at standard input;
    ``cluster`` is what an exec plugin may be told about the cluster.
    """

    now: Callable[[], float]
    environ: Mapping[str, str]
    interactive: bool
    cluster: Mapping[str, Any]


def credentials(entry: Entry[UserEntry], name: str, around: Surroundings) -> Credentials:
    """Return what a user entry proves.

    Raises:
        ConfigError: naming the file, the user, the key, and what to do.
    """
    what = f'user "{name}" in {entry.file}'
    certificate = _certificate(entry, what, around)
    header = _header(entry, what, around)
    if certificate is None:
        return header
    return CertificateAndHeader(certificate, header)


def impersonation(entry: Entry[UserEntry], name: str) -> tuple[Header, ...]:
    """Return the Impersonate-* headers of a user entry; repeated names are meant.

    Raises:
        ConfigError: groups, UID or extra without a user to be.
    """
    user = entry.value
    headers = [("Impersonate-Group", group) for group in user.as_groups]
    headers += [("Impersonate-Uid", user.as_uid)] if user.as_uid else []
    for key, values in sorted(user.as_user_extra.items()):
        headers += [(f"Impersonate-Extra-{_header_key(key)}", value) for value in values]
    if not user.as_:
        if headers:
            raise ConfigError(f'user "{name}" in {entry.file}: as-groups, as-uid and as-user-extra need "as"')
        return ()
    return (("Impersonate-User", user.as_), *headers)


def decode_data(text: str, what: str) -> bytes:
    """Return the bytes of a ``…-data`` key.

    Raises:
        ConfigError: it is not base64.
    """
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"{what} is not base64: {error}") from None


def _certificate(entry: Entry[UserEntry], what: str, around: Surroundings) -> Credentials | None:
    user = entry.value
    chain = _content(
        entry, user.client_certificate_data, user.client_certificate, f"client-certificate of {what}", around
    )
    key = _content(entry, user.client_key_data, user.client_key, f"client-key of {what}", around)
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        missing = "client-certificate" if chain is None else "client-key"
        raise ConfigError(f"{what} has no {missing} or {missing}-data beside its other half; add it")
    check(what, certificate=(chain.content(), key.content()))
    return ClientCertificate(chain, key)


def _content(entry: Entry[UserEntry], data: str, path: str, what: str, around: Surroundings) -> Content | None:
    if data:
        return FixedContent(decode_data(data, what))
    return FileContent(entry.path(path), what, around.now) if path else None


def _header(entry: Entry[UserEntry], what: str, around: Surroundings) -> Credentials:
    user = entry.value
    if (user.token or user.token_file) and user.username:
        raise ConfigError(f"{what} has both a token and a username; remove one")
    if user.token_file:
        return TokenFile(entry.path(user.token_file), around.now, what=f"tokenFile of {what}")
    if user.token:
        return StaticToken(user.token)
    if user.username:
        return BasicAuth(user.username, user.password)
    if user.exec is not None:
        return _plugin(entry, what, around)
    return _provider(user, what, around) if user.auth_provider else NoCredentials()


def _plugin(entry: Entry[UserEntry], what: str, around: Surroundings) -> Credentials:
    spec = entry.value.exec
    assert spec is not None
    if "/" in spec.command:
        # A name alone is looked up in PATH; anything else is relative to the file.
        spec.command = str(entry.path(spec.command))
    return ExecPlugin(
        spec,
        what,
        around.now,
        environ=around.environ,
        cluster=around.cluster,
        interactive=around.interactive,
    )


def _provider(user: UserEntry, what: str, around: Surroundings) -> Credentials:
    provider = user.auth_provider
    assert provider is not None
    token = provider.config.get("id-token", "")
    if provider.name != "oidc":
        raise ConfigError(f"{what}: auth-provider {provider.name!r} is gone from Kubernetes; use its exec plugin")
    if not token:
        raise ConfigError(
            f"{what}: auth-provider oidc has no id-token; log in, or use an exec plugin such as kubelogin"
        )
    return IdToken(token, f"auth-provider id-token of {what}", around.now)


def _header_key(key: str) -> str:
    """Escape a key as client-go does: percent signs for what no header name may hold."""
    return quote(key, safe="!#$&'*+-.^_`|~")
