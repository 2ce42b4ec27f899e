from __future__ import annotations

import pytest

from kubevitals.api import status
from kubevitals.api.encoding.json import dumps
from kubevitals.api.list_options import Cause
from kubevitals.api.request import Attributes
from kubevitals.api.status import Status

GROUP = "metrics.k8s.io"


def body(failure: Status) -> str:
    return dumps(failure.document()).decode()


def asks(verb: str, resource: str, namespace: str = "", name: str = "", subresource: str = "") -> Attributes:
    return Attributes(verb, "/apis/x", True, GROUP, "v1beta1", resource, subresource, namespace, name)


@pytest.mark.parametrize(
    ("failure", "message", "details"),
    [
        (status.node_not_found("n1"), 'node "n1" not found', {"name": "n1", "kind": "node"}),
        (
            status.node_metrics_not_found("n1"),
            'nodemetrics.metrics.k8s.io "n1" not found',
            {"name": "n1", "group": GROUP, "kind": "nodemetrics"},
        ),
        (status.pod_not_found("p"), 'pods "p" not found', {"name": "p", "kind": "pods"}),
        (
            status.pod_metrics_not_found("ns", "p"),
            'podmetrics.metrics.k8s.io "ns/p" not found',
            {"name": "ns/p", "group": GROUP, "kind": "podmetrics"},
        ),
        (status.resource_not_found(), "the server could not find the requested resource", {}),
    ],
)
def test_not_found(failure: Status, message: str, details: dict[str, str]) -> None:
    """Each way of not existing has upstream's own message and details."""
    assert failure == Status(404, "NotFound", message, details)


def test_document_order() -> None:
    """A Status is written field by field as the API server writes it."""
    assert body(status.node_not_found("n1")) == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"node \\"n1\\" not found","reason":"NotFound",'
        '"details":{"name":"n1","kind":"node"},"code":404}'
    )


def test_unauthorized_has_no_details() -> None:
    """The 401 is byte for byte the API server's."""
    assert body(status.unauthorized()) == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"Unauthorized","reason":"Unauthorized","code":401}'
    )


def test_method_not_allowed_has_empty_details() -> None:
    """The 405 is byte for byte the API server's."""
    assert body(status.method_not_allowed()) == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"the server does not allow this method on the requested resource",'
        '"reason":"MethodNotAllowed","details":{},"code":405}'
    )


def test_watch_not_supported() -> None:
    """A watch is refused in words that kubectl prints after its list."""
    assert status.watch_not_supported("nodes") == Status(
        405,
        "MethodNotAllowed",
        'watch is not supported on resources of kind "nodes.metrics.k8s.io"',
        {"group": GROUP, "kind": "nodes"},
    )


@pytest.mark.parametrize(
    ("asked", "message", "details"),
    [
        (
            Attributes("get", "/metrics"),
            'forbidden: User "u" cannot get path "/metrics"',
            {},
        ),
        (
            asks("list", "nodes"),
            'nodes.metrics.k8s.io is forbidden: User "u" cannot list resource "nodes"'
            ' in API group "metrics.k8s.io" at the cluster scope',
            {"group": GROUP, "kind": "nodes"},
        ),
        (
            asks("get", "nodes", name="n1"),
            'nodes.metrics.k8s.io "n1" is forbidden: User "u" cannot get resource "nodes"'
            ' in API group "metrics.k8s.io" at the cluster scope',
            {"name": "n1", "group": GROUP, "kind": "nodes"},
        ),
        (
            asks("list", "pods", namespace="default"),
            'pods.metrics.k8s.io is forbidden: User "u" cannot list resource "pods"'
            ' in API group "metrics.k8s.io" in the namespace "default"',
            {"group": GROUP, "kind": "pods"},
        ),
        (
            asks("get", "pods", namespace="default", name="p", subresource="log"),
            'pods.metrics.k8s.io "p" is forbidden: User "u" cannot get resource "pods/log"'
            ' in API group "metrics.k8s.io" in the namespace "default"',
            {"name": "p", "group": GROUP, "kind": "pods"},
        ),
        (
            Attributes("list", "/api/v1/pods", True, "", "v1", "pods"),
            'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope',
            {"kind": "pods"},
        ),
    ],
)
def test_forbidden(asked: Attributes, message: str, details: dict[str, str]) -> None:
    """A refusal says who may not do what, and where, as kubectl shows it."""
    assert status.forbidden(asked, "u") == Status(403, "Forbidden", message, details)


def test_forbidden_appends_the_authorizers_reason() -> None:
    """What the authorizer said follows the sentence unaltered."""
    refusal = status.forbidden(Attributes("get", "/metrics"), "u", 'no "RBAC" rule & <none>')
    assert refusal.message == 'forbidden: User "u" cannot get path "/metrics": no "RBAC" rule & <none>'


def test_forbidden_quotes_foreign_text() -> None:
    """A user or path with control characters or markup is quoted as Go does and then made safe for HTML."""
    refusal = status.forbidden(Attributes("get", '/a"b\n<i>'), "a\x1b[31m&")
    assert refusal.message == ('forbidden: User "a\\x1b[31m&amp;" cannot get path "/a\\"b\\n&lt;i&gt;"')


def test_impersonation_refused() -> None:
    """A direct caller that asks to be somebody else is refused and named."""
    refusal = status.impersonation_refused("u")
    assert (refusal.code, refusal.reason) == (403, "Forbidden")
    assert refusal.message == 'forbidden: User "u" cannot impersonate on this server'


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (status.bad_request("limit"), "limit"),
        (
            status.bad_timeout('time: invalid duration "abc"'),
            'invalid timeout specified in the request URL - time: invalid duration "abc"',
        ),
        (
            status.export_not_supported(),
            "the export parameter, deprecated since v1.14, is no longer supported",
        ),
        (
            status.bad_include_object("x"),
            'Unable to convert to Table as requested: includeObject: Invalid value: "x": '
            "must be 'Metadata', 'Object', 'None', or empty",
        ),
    ],
)
def test_bad_request(failure: Status, message: str) -> None:
    """A 400 carries the parser's text and no details."""
    assert failure == Status(400, "BadRequest", message, None)


def test_invalid_list_options() -> None:
    """List options that contradict each other are a 422 that names the option as its cause."""
    reason = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    failure = status.invalid_list_options([Cause("resourceVersionMatch", "FieldValueForbidden", reason)])
    assert body(failure) == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: ' + reason + '",'
        '"reason":"Invalid","details":{"group":"meta.k8s.io","kind":"ListOptions","causes":'
        '[{"reason":"FieldValueForbidden","message":"' + reason + '","field":"resourceVersionMatch"}]},'
        '"code":422}'
    )


def test_several_causes() -> None:
    """Several faults are told in one sentence, in brackets, and each is a cause."""
    failure = status.invalid_list_options([Cause("a", "R1", "no a"), Cause("b", "R2", "no b")])
    assert failure.message == 'ListOptions.meta.k8s.io "" is invalid: [a: no a, b: no b]'
    assert failure.details is not None
    assert failure.details["causes"] == [
        {"reason": "R1", "message": "no a", "field": "a"},
        {"reason": "R2", "message": "no b", "field": "b"},
    ]


def test_not_acceptable_route() -> None:
    """The router's 406 lists what there is; a list offers the stream types too."""
    one = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    head = "406: Not Acceptable\n\nAvailable representations: "
    assert status.not_acceptable_route(status.MEDIA_TYPES, streams=False) == Status(
        406, "NotAcceptable", head + one, {}
    )
    assert status.not_acceptable_route(status.MEDIA_TYPES, streams=True).message == f"{head}{one}, {streams}"


def test_not_acceptable_transform() -> None:
    """A known type with an impossible transform is a 406 without details."""
    assert status.not_acceptable() == Status(
        406,
        "NotAcceptable",
        "only the following media types are accepted: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf",
    )


def test_internal_error_has_no_reason() -> None:
    """A failure of the store is a 500 without a reason."""
    assert body(status.internal_error("failed listing pods: x")) == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"failed listing pods: x","code":500}'
    )


def test_internal_error_body_quotes_the_request() -> None:
    """The text of a 500 before routing cannot carry markup or control characters of the request."""
    text = status.internal_error_body("/a?b=<c>\r\n", "no answer & no hope")
    assert text == b'Internal Server Error: "/a?b=&lt;c&gt;\\r\\n": no answer &amp; no hope\n'


def test_shutting_down() -> None:
    """A draining server says so."""
    assert status.shutting_down() == Status(503, "ServiceUnavailable", "apiserver is shutting down")


def test_timeout_body() -> None:
    """The body of a 504 is the Status without kind and apiVersion that the API server sends."""
    assert status.TIMEOUT_BODY == (
        b'{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the allotted '
        b'timeout","reason":"Timeout","details":{},"code":504}\n'
    )
