"""What a request line asks for."""

from __future__ import annotations

import pytest

from kubevitals.simulator.attributes import Attributes, attributes_of, truthy

METRICS = "/apis/metrics.k8s.io/v1beta1"


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/livez", {}, Attributes("get", "/livez")),
        ("GET", METRICS, {}, Attributes("get", METRICS)),
        ("GET", "/api/v1", {}, Attributes("get", "/api/v1")),
        ("GET", "/api/v1/nodes", {}, Attributes("list", "/api/v1/nodes", "", "v1", "nodes")),
        ("GET", "/api/v1/nodes", {"watch": "1"}, Attributes("watch", "/api/v1/nodes", "", "v1", "nodes")),
        ("GET", "/api/v1/nodes", {"watch": "false"}, Attributes("list", "/api/v1/nodes", "", "v1", "nodes")),
        ("GET", "/api/v1/nodes/a", {}, Attributes("get", "/api/v1/nodes/a", "", "v1", "nodes", "", "", "a")),
        (
            "GET",
            "/api/v1/nodes/a/status",
            {},
            Attributes("get", "/api/v1/nodes/a/status", "", "v1", "nodes", "status", "", "a"),
        ),
        (
            "POST",
            "/api/v1/namespaces/x/pods",
            {},
            Attributes("create", "/api/v1/namespaces/x/pods", "", "v1", "pods", "", "x"),
        ),
        (
            "DELETE",
            f"{METRICS}/namespaces/x/pods",
            {},
            Attributes(
                "deletecollection", f"{METRICS}/namespaces/x/pods", "metrics.k8s.io", "v1beta1", "pods", "", "x"
            ),
        ),
        (
            "PATCH",
            "/api/v1/namespaces/x",
            {},
            Attributes("patch", "/api/v1/namespaces/x", "", "v1", "namespaces", "", "x", "x"),
        ),
        (
            "GET",
            "/api/v1/namespaces/x/configmaps",
            {"fieldSelector": "metadata.name=c", "watch": ""},
            Attributes("watch", "/api/v1/namespaces/x/configmaps", "", "v1", "configmaps", "", "x", "c"),
        ),
        (
            "GET",
            "/api/v1/pods",
            {"fieldSelector": "=,="},
            Attributes("list", "/api/v1/pods", "", "v1", "pods"),
        ),
    ],
)
def test_a_request_line_is_read_as_the_api_server_reads_it(method, path, query, expected):
    """Verb, group, resource, namespace and name come out of method, path and query."""
    assert attributes_of(method, path, query) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, False), ("", True), ("0", False), ("False", False), ("1", True)]
)
def test_boolean_parameters(value, expected):
    """A parameter without a value is true."""
    assert truthy(value) is expected
