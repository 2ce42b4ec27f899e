"""What the API server says when it refuses: Status objects in Kubernetes' words. Pure."""

from __future__ import annotations

from typing import Any

from kubevitals.errors import KubevitalsError
from kubevitals.quoting import quote
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import Kind, Object

_CONTINUE_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You must start a new "
    "list without the continue parameter."
)


class Refused(KubevitalsError):
    """A request that is answered with a Status.

    Args:
        status: the Status object; its ``code`` is the HTTP status.
    """

    def __init__(self, status: Object) -> None:
        super().__init__(status["message"])
        self.status = status

    @property
    def code(self) -> int:
        """The HTTP status code."""
        code: int = self.status["code"]
        return code


def status(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> Object:
    """Return a Failure Status; ``details`` is left out when None."""
    found: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
    }
    if details is not None:
        found["details"] = details
    return {**found, "code": code}


def success(kind: Kind, item: Object) -> Object:
    """Return the Status that answers a completed deletion."""
    details = {
        "name": item["metadata"]["name"],
        **_kind(kind.group, kind.resource),
        "uid": item["metadata"]["uid"],
    }
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def not_found(kind: Kind, name: str) -> Refused:
    """404 for an object."""
    return Refused(status(404, "NotFound", f"{kind.qualified} {quote(name)} not found", _named(kind, name)))


def already_exists(kind: Kind, name: str) -> Refused:
    """409 for a create."""
    message = f"{kind.qualified} {quote(name)} already exists"
    return Refused(status(409, "AlreadyExists", message, _named(kind, name)))


def conflict(kind: Kind, name: str) -> Refused:
    """409 for an update of something that has changed since it was read."""
    message = (
        f"Operation cannot be fulfilled on {kind.qualified} {quote(name)}: the object has been modified; "
        "please apply your changes to the latest version and try again"
    )
    return Refused(status(409, "Conflict", message, _named(kind, name)))


def bad_request(message: str) -> Refused:
    """400."""
    return Refused(status(400, "BadRequest", message))


def unauthorized() -> Refused:
    """401."""
    return Refused(status(401, "Unauthorized", "Unauthorized"))


def forbidden(user: str, attributes: Attributes, reason: str = "") -> Refused:
    """403, worded by what was asked for; ``reason`` is the authorizer's and may be empty."""
    ending = f": {reason}" if reason else ""
    who = f"User {quote(user)} cannot {attributes.verb}"
    if not attributes.resource:
        message = f"forbidden: {who} path {quote(attributes.path)}{ending}"
        return Refused(status(403, "Forbidden", _escape(message), {}))
    qualified = f"{attributes.resource}.{attributes.group}" if attributes.group else attributes.resource
    name = f" {quote(attributes.name)}" if attributes.name else ""
    resource = "/".join(filter(None, (attributes.resource, attributes.subresource)))
    scope = f"in the namespace {quote(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    message = (
        f"{qualified}{name} is forbidden: {who} resource {quote(resource)} in API group "
        f"{quote(attributes.group)} {scope}{ending}"
    )
    details = {"name": attributes.name} if attributes.name else {}
    details |= _kind(attributes.group, attributes.resource)
    return Refused(status(403, "Forbidden", _escape(message), details))


def method_not_allowed() -> Refused:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return Refused(status(405, "MethodNotAllowed", message, {}))


def not_acceptable(supported: str = "application/json") -> Refused:
    """406 for an Accept header with nothing that can be served."""
    message = f"only the following media types are accepted: {supported}"
    return Refused(status(406, "NotAcceptable", message, {}))


def unsupported_media_type(supported: str) -> Refused:
    """415 for a body in a form that is not read."""
    message = f"the body of the request was in an unknown format - accepted media types include: {supported}"
    return Refused(status(415, "UnsupportedMediaType", message, {}))


def unavailable(message: str) -> Refused:
    """503 for something that is known and cannot be reached."""
    return Refused(status(503, "ServiceUnavailable", message))


def invalid(kind: str, problem: str) -> Refused:
    """422 for options that cannot be meant; ``problem`` begins with the field."""
    message = f'{kind} "" is invalid: {problem}'
    return Refused(status(422, "Invalid", message, {"kind": kind}))


def expired(message: str) -> Refused:
    """410 for a version that is no longer remembered."""
    return Refused(status(410, "Expired", message))


def expired_watch(asked: int, oldest: int) -> Refused:
    """410 for a watch; the numbers are the asked version and the oldest one that is remembered."""
    return expired(f"too old resource version: {asked} ({oldest})")


def expired_continue() -> Refused:
    """410 for a page of a list whose snapshot is gone."""
    return expired(_CONTINUE_TOO_OLD)


def invalid_option(field: str, reason: str) -> Refused:
    """422 for list options that may not be used so."""
    cause = {"reason": "FieldValueForbidden", "message": f"Forbidden: {reason}", "field": field}
    message = f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {reason}'
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]}
    return Refused(status(422, "Invalid", message, details))


def _named(kind: Kind, name: str) -> dict[str, Any]:
    return {"name": name, **_kind(kind.group, kind.resource)}


def _kind(group: str, resource: str) -> dict[str, Any]:
    return ({"group": group} if group else {}) | {"kind": resource}


def _escape(message: str) -> str:
    return message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
