"""RequestInfo, as the API server reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.message import Request
from kubevitals.api.query import query_of
from kubevitals.api.request import Attributes, MalformedPath, RequestInfoError, attributes_of

A = "/apis/metrics.k8s.io/v1beta1"


def ask(method: str, path: str, query: str = "") -> Attributes:
    request = Request(method=method, path=path, query=query)
    return attributes_of(request, query_of(request))


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("GET", "/metrics", "get"),
        ("POST", "/livez", "post"),
        ("HEAD", A, "head"),
        ("GET", "/apis", "get"),
        ("GET", "/", "get"),
        ("GET", "/api/v1", "get"),
    ],
)
def test_short_paths_are_not_resources(method: str, path: str, verb: str) -> None:
    """Discovery, health and metrics paths are authorized by path and lower-case method."""
    assert ask(method, path) == Attributes(verb=verb, path=path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{A}/nodes", ("list", "nodes", "", "", "")),
        (f"{A}/nodes/", ("list", "nodes", "", "", "")),
        (f"{A}/nodes/n1", ("get", "nodes", "", "", "n1")),
        (f"{A}/pods", ("list", "pods", "", "", "")),
        (f"{A}/namespaces/shop/pods", ("list", "pods", "", "shop", "")),
        (f"{A}/namespaces/shop/pods/web", ("get", "pods", "", "shop", "web")),
        (f"{A}/namespaces/shop/pods/web/log", ("get", "pods", "log", "shop", "web")),
        (f"{A}/namespaces/shop", ("get", "namespaces", "", "shop", "shop")),
        (f"{A}/namespaces/shop/status", ("get", "namespaces", "status", "shop", "shop")),
        (f"{A}/namespaces", ("list", "namespaces", "", "", "")),
        (f"{A}/watch/nodes", ("watch", "nodes", "", "", "")),
    ],
)
def test_resource_paths(path: str, expected: tuple[str, ...]) -> None:
    """Verb, resource, subresource, namespace and name come from the path's segments."""
    asked = ask("GET", path)
    assert (asked.verb, asked.resource, asked.subresource, asked.namespace, asked.name) == expected
    assert (asked.resource_request, asked.group, asked.version) == (True, "metrics.k8s.io", "v1beta1")


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("POST", f"{A}/nodes", "create"),
        ("PUT", f"{A}/nodes/n", "update"),
        ("PATCH", f"{A}/nodes/n", "patch"),
        ("DELETE", f"{A}/nodes/n", "delete"),
        ("DELETE", f"{A}/nodes", "deletecollection"),
        ("HEAD", f"{A}/nodes", "list"),
        ("OPTIONS", f"{A}/nodes", ""),
    ],
)
def test_verbs_follow_methods(method: str, path: str, verb: str) -> None:
    """Each method maps to the verb that roles name."""
    assert ask(method, path).verb == verb


@pytest.mark.parametrize(
    ("query", "verb"),
    [
        ("watch=1", "watch"),
        ("watch=", "watch"),
        ("watch=true", "watch"),
        ("watch=False", "list"),
        ("watch=0", "list"),
    ],
)
def test_watch_parameter_turns_a_list_into_a_watch(query: str, verb: str) -> None:
    """A set watch parameter counts unless it is 0 or false, even when it is empty."""
    assert ask("GET", f"{A}/nodes", query).verb == verb


def test_field_selector_names_the_object_for_authorization() -> None:
    """A list of one exact name can be allowed by a role for that name."""
    assert ask("GET", f"{A}/nodes", "fieldSelector=metadata.name%3Dn1").name == "n1"
    assert ask("GET", f"{A}/nodes", "fieldSelector=metadata.name%3Da%2Fb").name == ""


def test_selectors_reach_authorization_only_when_they_parse() -> None:
    """A selector that does not parse is left out here and refused later by the handler."""
    asked = ask("GET", f"{A}/pods", "labelSelector=app+in+(a,b)&fieldSelector=foo")
    assert [r.key for r in asked.label_requirements] == ["app"]
    assert asked.field_requirements == ()


def test_watch_prefix_without_a_resource_is_an_error() -> None:
    """A path that ends in the watch verb cannot be understood; the error repeats it with its query."""
    with pytest.raises(RequestInfoError) as caught:
        ask("GET", f"{A}/watch", "a=1")
    assert str(caught.value) == f"unable to determine kind and namespace from url, {A}/watch?a=1"


@pytest.mark.parametrize("raw", ["/%zz", "/%", "/a%2", f"{A}/nodes/%2-"])
def test_a_stray_percent_sign_is_refused(raw: str) -> None:
    """A path that cannot be decoded names nothing."""
    with pytest.raises(MalformedPath):
        attributes_of(Request("GET", raw, raw), {})


@given(st.sampled_from(["GET", "POST", "HEAD", "X"]), st.text(), st.text())
def test_any_path_and_query_are_understood_or_refused(method: str, path: str, query: str) -> None:
    """Any method, path and query give attributes or RequestInfoError, never another exception."""
    try:
        asked = ask(method, path, query)
    except RequestInfoError:
        return
    assert asked.path == path
