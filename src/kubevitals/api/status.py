"""Every error this API answers with, worded as the API server words it. Pure.

Clients print these messages and programs match on them: texts and details are the API server's to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubevitals.api.group import GROUP
from kubevitals.api.list_options import Cause
from kubevitals.api.request import Attributes
from kubevitals.quoting import quote

MEDIA_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_STREAM_TYPES = ("application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch")

TOO_MANY_REQUESTS_BODY = b"Too many requests, please try again later.\n"
"""Text body of 429; sent with ``Retry-After: 1``."""

DRAINING_BODY = b"The apiserver is shutting down, please try again later.\n"
"""Text body of 429 while draining; sent with ``Retry-After: 5`` and ``Connection: close``."""

PANIC_BODY = b"This request caused apiserver to panic. Look in the logs for details.\n"
"""Text body of the 500 that follows a defect of the server."""

MALFORMED_BODY = b"400 Bad Request"
"""Text body of the 400 for a request line that cannot be read."""

TIMEOUT_BODY = (
    b'{"metadata":{},"status":"Failure",'
    b'"message":"Timeout: request did not complete within the allotted timeout",'
    b'"reason":"Timeout","details":{},"code":504}\n'
)
"""Body of 504: a Status without kind and apiVersion, labelled as plain text."""


@dataclass(frozen=True, slots=True)
class Status:
    """A failure, as ``v1.Status`` carries it.

    ``details`` is None where the API server leaves the field out, and an empty mapping where it sends ``{}``.
    """

    code: int
    reason: str
    message: str
    details: Mapping[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON document, its fields in the order of ``v1.Status``."""
        document: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        document["message"] = self.message
        if self.reason:
            document["reason"] = self.reason
        if self.details is not None:
            document["details"] = dict(self.details)
        document["code"] = self.code
        return document


# --- 400 and 422 --------------------------------------------------------------------------------------------


def bad_request(message: str) -> Status:
    """Return the 400 for a query parameter that does not parse."""
    return Status(400, "BadRequest", message)


def bad_timeout(problem: str) -> Status:
    """Return the 400 for a ``timeout`` parameter; ``problem`` is the text of ``time.ParseDuration``."""
    return bad_request(f"invalid timeout specified in the request URL - {problem}")


def export_not_supported() -> Status:
    """Return the 400 for ``export=true`` on a GET of one object."""
    return bad_request("the export parameter, deprecated since v1.14, is no longer supported")


def bad_include_object(value: str) -> Status:
    """Return the 400 for an unknown ``includeObject`` of a Table."""
    rule = "must be 'Metadata', 'Object', 'None', or empty"
    return bad_request(f"Unable to convert to Table as requested: includeObject: Invalid value: {quote(value)}: {rule}")


def invalid_list_options(causes: Sequence[Cause]) -> Status:
    """Return the 422 for list options that may not be combined; there is at least one cause."""
    sentences = [f"{cause.field}: {cause.message}" for cause in causes]
    said = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    listed = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": listed}
    return Status(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {said}', details)


# --- 401 and 403 --------------------------------------------------------------------------------------------


def unauthorized() -> Status:
    """Return the 401 for credentials that are not valid."""
    return Status(401, "Unauthorized", "Unauthorized")


def forbidden(asked: Attributes, user: str, reason: str = "") -> Status:
    """Return the 403 for a user who may not do what was asked.

    Args:
        asked: the attributes that were refused.
        user: the user's name.
        reason: what the authorizer said, appended when not empty.
    """
    sentence = _html_escaped(_refusal(asked, user))
    if reason:
        sentence = f"{sentence}: {reason}"
    if not asked.resource_request:
        return Status(403, "Forbidden", f"forbidden: {sentence}", {})
    qualified = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    name = f" {quote(asked.name)}" if asked.name else ""
    details = _details(asked.name, asked.group, asked.resource)
    return Status(403, "Forbidden", f"{qualified}{name} is forbidden: {sentence}", details)


def impersonation_refused(user: str) -> Status:
    """Return the 403 for a direct caller that sent ``Impersonate-*`` headers, which are not honoured here."""
    sentence = _html_escaped(f"User {quote(user)} cannot impersonate on this server")
    return Status(403, "Forbidden", f"forbidden: {sentence}", {})


def _refusal(asked: Attributes, user: str) -> str:
    if not asked.resource_request:
        return f"User {quote(user)} cannot {asked.verb} path {quote(asked.path)}"
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    where = f"in the namespace {quote(asked.namespace)}" if asked.namespace else "at the cluster scope"
    what = f"resource {quote(resource)} in API group {quote(asked.group)}"
    return f"User {quote(user)} cannot {asked.verb} {what} {where}"


def _html_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- 404 ----------------------------------------------------------------------------------------------------


def node_not_found(name: str) -> Status:
    """Return the 404 for a node that does not exist."""
    return Status(404, "NotFound", f"node {quote(name)} not found", _details(name, "", "node"))


def node_metrics_not_found(name: str) -> Status:
    """Return the 404 for a node that exists and has no usage yet."""
    return _metrics_not_found(name, "nodemetrics")


def pod_not_found(name: str) -> Status:
    """Return the 404 for a pod that does not exist or does not run."""
    return Status(404, "NotFound", f"pods {quote(name)} not found", _details(name, "", "pods"))


def pod_metrics_not_found(namespace: str, name: str) -> Status:
    """Return the 404 for a pod that runs and has no usage yet."""
    return _metrics_not_found(f"{namespace}/{name}", "podmetrics")


def _metrics_not_found(name: str, resource: str) -> Status:
    return Status(404, "NotFound", f"{resource}.{GROUP} {quote(name)} not found", _details(name, GROUP, resource))


def resource_not_found() -> Status:
    """Return the 404 for a path below the group that names no resource."""
    return Status(404, "NotFound", "the server could not find the requested resource", {})


# --- 405 and 406 --------------------------------------------------------------------------------------------


def method_not_allowed() -> Status:
    """Return the 405 for any method but GET."""
    message = "the server does not allow this method on the requested resource"
    return Status(405, "MethodNotAllowed", message, {})


def watch_not_supported(resource: str) -> Status:
    """Return the 405 for a watch on ``nodes`` or ``pods``."""
    message = f"watch is not supported on resources of kind {quote(f'{resource}.{GROUP}')}"
    return Status(405, "MethodNotAllowed", message, _details("", GROUP, resource))


def not_acceptable_route(types: Sequence[str], *, streams: bool) -> Status:
    """Return the 406 for an Accept header that names no media type of the route.

    Args:
        types: the media types of the route.
        streams: whether the route also offers the stream types, as lists do.
    """
    offered = ", ".join((*types, *_STREAM_TYPES) if streams else types)
    return Status(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {offered}", {})


def not_acceptable() -> Status:
    """Return the 406 for an Accept header whose media types are known and whose parameters cannot be met."""
    offered = ", ".join(MEDIA_TYPES)
    return Status(406, "NotAcceptable", f"only the following media types are accepted: {offered}")


def not_a_list(kind: str) -> Status:
    """Return the 406 for PartialObjectMetadataList asked of one object of a kind such as ``NodeMetrics``."""
    wanted = "you requested PartialObjectMetadataList, but the requested object is not a list"
    return Status(406, "NotAcceptable", f"{wanted} (*metrics.{kind})")


def is_a_list(kind: str) -> Status:
    """Return the 406 for PartialObjectMetadata asked of a list of a kind such as ``NodeMetrics``."""
    wanted = "you requested PartialObjectMetadata, but the requested object is a list"
    return Status(406, "NotAcceptable", f"{wanted} (*metrics.{kind}List)")


# --- 500 and 503 --------------------------------------------------------------------------------------------


def internal_error(message: str) -> Status:
    """Return the 500 for an answer that could not be made; it has no reason, as upstream's."""
    return Status(500, "", message)


def internal_error_body(uri: str, problem: str) -> bytes:
    """Return the text body of the 500 that stands for a request nobody could judge.

    Args:
        uri: path and query as sent.
        problem: what failed, such as a review that was not answered.
    """
    return _html_escaped(f"Internal Server Error: {quote(uri)}: {problem}\n").encode("utf-8", "replace")


def shutting_down() -> Status:
    """Return the 503 for a request that arrives while the server drains; sent with ``Retry-After: 1``."""
    return Status(503, "ServiceUnavailable", "apiserver is shutting down")


def _details(name: str, group: str, kind: str) -> dict[str, str]:
    """Return the details in the order of ``v1.StatusDetails``, empty ones left out."""
    pairs = (("name", name), ("group", group), ("kind", kind))
    return {key: value for key, value in pairs if value}
