"""Who is asking the simulated API server: by certificate, token, impersonation, or nobody known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from kubevitals.model import User
from kubevitals.simulator import status
from kubevitals.simulator.attributes import Attributes

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
AUTHENTICATED = "system:authenticated"
_EXTRA = "impersonate-extra-"


Headers = CIMultiDictProxy[str]


def certificate_user(names: Mapping[str, Any], der: bytes) -> User | None:
    """Return the user of a verified client certificate: its common name, its organizations as groups.

    Args:
        names: what ``SSLObject.getpeercert()`` returned.
        der: the same certificate, DER.
    """
    pairs = [pair for part in names.get("subject", ()) for pair in part]
    name = next((value for key, value in pairs if key == "commonName"), "")
    if not name:
        return None
    groups = tuple(value for key, value in pairs if key == "organizationName")
    extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={sha256(der).hexdigest()}",)}
    return authenticated(User(name, groups, extra=extra))


def bearer_token(headers: Headers) -> str:
    """Return the token of an Authorization header, empty when there is none."""
    scheme, _, token = headers.get("Authorization", "").strip().partition(" ")
    return token.split(" ")[0] if scheme.lower() == "bearer" else ""


def authenticate(certificate: User | None, token: str, check: Callable[[str], User | None]) -> User:
    """Return the caller: by certificate, else by token, else anonymous.

    Raises:
        Refused: 401 for a token that ``check`` does not know.
    """
    if certificate is not None:
        return certificate
    if not token:
        return ANONYMOUS
    user = check(token)
    if user is None:
        raise status.unauthorized()
    return authenticated(user)


def authenticated(user: User) -> User:
    """Return the user as a member of ``system:authenticated``."""
    return user if AUTHENTICATED in user.groups else replace(user, groups=(*user.groups, AUTHENTICATED))


def impersonated(headers: Headers) -> User | None:
    """Return whom the caller wants to act as, None when nobody.

    Raises:
        Refused: 400 for groups or extras without a user.
    """
    name = headers.get("Impersonate-User", "")
    groups = tuple(headers.getall("Impersonate-Group", []))
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            key = unquote(header.lower().removeprefix(_EXTRA))
            extra[key] = (*extra.get(key, ()), value)
    if not name:
        if groups or extra:
            raise status.bad_request("requested impersonation without impersonating a user")
        return None
    return authenticated(User(name, groups, headers.get("Impersonate-Uid", ""), extra))


def impersonation_questions(headers: Headers) -> list[Attributes]:
    """Return what the caller must be allowed in order to act as someone else."""
    name = headers.get("Impersonate-User", "")
    found = [_user_question(name)]
    found += [_question("groups", group) for group in headers.getall("Impersonate-Group", [])]
    if uid := headers.get("Impersonate-Uid", ""):
        found.append(_question("uids", uid, "authentication.k8s.io"))
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            key = unquote(header.lower().removeprefix(_EXTRA))
            found.append(_question("userextras", value, "authentication.k8s.io", key))
    return found


def _user_question(name: str) -> Attributes:
    if name.startswith("system:serviceaccount:") and name.count(":") == 3:
        _, _, namespace, account = name.split(":")
        return replace(_question("serviceaccounts", account), namespace=namespace)
    return _question("users", name)


def _question(resource: str, name: str, group: str = "", subresource: str = "") -> Attributes:
    return Attributes("impersonate", "", group, "v1", resource, subresource, "", name)
