"""The server behind an APIService: where it is, what is sent to it, and what is said about it. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from kubevitals.model import User
from kubevitals.quantity import format_time
from kubevitals.simulator.endpoints import Problem, resolve
from kubevitals.simulator.kinds import API_SERVICES, Object
from kubevitals.simulator.registry import Registry

UNAVAILABLE = "service unavailable"
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OWN = _HOP_BY_HOP | {
    "authorization",
    "host",
    "content-length",
    "x-remote-user",
    "x-remote-group",
    "x-remote-uid",
}
_OWN_PREFIXES = ("x-remote-extra-", "impersonate-")
_IN_NAMES = "!#$&'*+-.^_`|~"  # what a header name may hold besides letters and digits


class Backend(NamedTuple):
    """How to reach an aggregated server. ``ca`` is PEM; empty means that its certificate is not verified."""

    name: str
    group: str
    version: str
    host: str
    port: int
    server_name: str
    ca: bytes

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"

    @property
    def path(self) -> str:
        """The path of the group's version, which the availability check asks for."""
        return f"/apis/{self.group}/{self.version}"


def api_services(registry: Registry) -> list[Object]:
    """Return the APIServices that name a service, in the order of discovery: by priority, then by version."""
    found = [item for item in registry[API_SERVICES].items() if item["spec"].get("service")]
    return sorted(found, key=lambda item: _rank(item["spec"]))


def _rank(spec: Object) -> tuple[int, str, int, bool, str]:
    version = spec["version"]
    unstable = "alpha" in version or "beta" in version
    return -spec["groupPriorityMinimum"], spec["group"], -spec["versionPriority"], unstable, version


def backend_of(registry: Registry, api_service: Object) -> Backend | None:
    """Return where an APIService's server is, None when its Service leads nowhere."""
    spec = api_service["spec"]
    reference = spec["service"]
    located = resolve(registry, reference)
    if located is None:
        return None
    ca = b"" if spec.get("insecureSkipTLSVerify") else base64.b64decode(spec.get("caBundle", ""))
    return Backend(
        api_service["metadata"]["name"],
        spec["group"],
        spec["version"],
        *located,
        f"{reference['name']}.{reference['namespace']}.svc",
        ca,
    )


def available(api_service: Object) -> bool:
    """Tell whether the last availability check passed."""
    return any(c["type"] == "Available" and c["status"] == "True" for c in conditions(api_service))


def conditions(api_service: Object) -> list[Object]:
    """Return the conditions of an APIService."""
    found: list[Object] = (api_service.get("status") or {}).get("conditions") or []
    return found


def with_condition(api_service: Object, problem: Problem | None, now: float) -> Object | None:
    """Return the APIService with its Available condition as checked, None when that changes nothing.

    Args:
        api_service: the object as it is.
        problem: why the check failed, None when it passed.
        now: seconds since the epoch.
    """
    verdict = "False" if problem else "True"
    reason, message = problem or ("Passed", "all checks passed")
    since = format_time(int(now * 1000))
    for current in conditions(api_service):
        if (current["status"], current["reason"], current["message"]) == (verdict, reason, message):
            return None
        if current["status"] == verdict:
            since = current["lastTransitionTime"]
    condition = {
        "type": "Available",
        "status": verdict,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    return {**api_service, "status": {"conditions": [condition]}}


def identity_headers(user: User) -> list[tuple[str, str]]:
    """Return the header lines by which the front proxy says who asks."""
    found = [("X-Remote-User", user.name)]
    if user.uid:
        found.append(("X-Remote-Uid", user.uid))
    found += [("X-Remote-Group", group) for group in user.groups]
    for key, values in user.extra.items():
        found += [(f"X-Remote-Extra-{_escape(key)}", value) for value in values]
    return found


def request_headers(lines: Iterable[tuple[str, str]], user: User | None, remote: str) -> list[tuple[str, str]]:
    """Return the header lines to forward: the caller's without any identity, and the identity as checked.

    Without ``user`` there is none: whoever is behind the proxy subresources is not told who asks.
    """
    lines = list(lines)
    kept = [(name, value) for name, value in lines if not _is_own(name)]
    host = next((value for name, value in lines if name.lower() == "host"), "")
    passed = [("X-Forwarded-For", remote), ("X-Forwarded-Host", host), ("X-Forwarded-Proto", "https")]
    return [*kept, *passed, *(identity_headers(user) if user else ())]


def response_headers(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the header lines to hand back."""
    return [(name, value) for name, value in lines if name.lower() not in _HOP_BY_HOP]


def forwarded_query(query: str) -> str:
    """Return a query as the API server sends it on: keys in order, a space as ``+``."""
    pairs: Sequence[tuple[str, str]] = parse_qsl(query, keep_blank_values=True)
    return urlencode(sorted(pairs, key=lambda pair: pair[0]))


def _is_own(name: str) -> bool:
    lower = name.lower()
    return lower in _OWN or lower.startswith(_OWN_PREFIXES)


def _escape(key: str) -> str:
    """Return a key of extra information as a header name can hold it."""
    return quote(key, safe=_IN_NAMES)
