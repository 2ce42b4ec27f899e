"""The SubjectAccessReview's spec, byte for byte."""

from __future__ import annotations

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from kubevitals.api.authorization.accessreview import spec_of
from kubevitals.api.request import Attributes
from kubevitals.model import User
from kubevitals.selectors import FieldTerm, Requirement

PODS = {"resource_request": True, "group": "metrics.k8s.io", "version": "v1beta1", "resource": "pods"}
PATH = "/apis/metrics.k8s.io/v1beta1/pods"


def _attributes(verb="list", **more):
    return Attributes(verb=verb, path=PATH, **(PODS | more))


def test_resource_request_with_a_selector():
    """Fields come in Kubernetes' order, and empty ones are left out."""
    user = User("jane", ("dev", "system:authenticated"), "u-1", {"k": ("v",), "a": ("1", "2")})
    asked = _attributes(namespace="default", label_requirements=(Requirement("app", "In", ("web",)),))

    assert spec_of(user, asked) == (
        b'{"resourceAttributes":{"namespace":"default","verb":"list","group":"metrics.k8s.io","version":"v1beta1",'
        b'"resource":"pods","labelSelector":{"requirements":[{"key":"app","operator":"In","values":["web"]}]}},'
        b'"user":"jane","groups":["dev","system:authenticated"],"extra":{"a":["1","2"],"k":["v"]},"uid":"u-1"}'
    )


def test_named_subresource():
    """Subresource and name follow the resource."""
    assert spec_of(User("jane"), _attributes("get", namespace="n", name="p", subresource="log")) == (
        b'{"resourceAttributes":{"namespace":"n","verb":"get","group":"metrics.k8s.io","version":"v1beta1",'
        b'"resource":"pods","subresource":"log","name":"p"},"user":"jane"}'
    )


def test_non_resource_request():
    """A path that is no resource is asked for as a path."""
    assert spec_of(User("system:anonymous", ("system:unauthenticated",)), Attributes("get", "/metrics")) == (
        b'{"nonResourceAttributes":{"path":"/metrics","verb":"get"},'
        b'"user":"system:anonymous","groups":["system:unauthenticated"]}'
    )


def test_operators():
    """Equality becomes In and NotIn, existence keeps its name, comparisons are dropped."""
    asked = _attributes(
        label_requirements=(
            Requirement("a", "NotIn", ("1", "2")),
            Requirement("b", "Exists", ()),
            Requirement("c", "DoesNotExist", ()),
            Requirement("d", "Gt", ("1",)),
        ),
        field_requirements=(FieldTerm("metadata.name", "=", "x"), FieldTerm("metadata.namespace", "!=", "")),
    )
    attributes = msgspec.json.decode(spec_of(User("jane"), asked))["resourceAttributes"]

    assert attributes["labelSelector"]["requirements"] == [
        {"key": "a", "operator": "NotIn", "values": ["1", "2"]},
        {"key": "b", "operator": "Exists"},
        {"key": "c", "operator": "DoesNotExist"},
    ]
    assert attributes["fieldSelector"]["requirements"] == [
        {"key": "metadata.name", "operator": "In", "values": ["x"]},
        {"key": "metadata.namespace", "operator": "NotIn", "values": [""]},
    ]
    assert list(attributes)[-2:] == ["fieldSelector", "labelSelector"]


def test_only_comparisons_are_no_selector():
    """A selector of which nothing is left is not sent."""
    asked = _attributes(label_requirements=(Requirement("d", "Lt", ("1",)),))

    assert b"labelSelector" not in spec_of(User("jane"), asked)


def test_selectors_are_sent_only_for_verbs_that_select():
    """A get names one object; selectors beside it mean nothing."""
    asked = _attributes("get", name="p", label_requirements=(Requirement("app", "In", ("web",)),))

    assert b"labelSelector" not in spec_of(User("jane"), asked)


@given(
    st.text(),
    st.lists(st.text(max_size=5)),
    st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5))),
)
def test_spec_says_exactly_who_asks(name, groups, extra):
    """The spec names user, groups and extra as they are, so two users never share a remembered answer."""
    user = User(name, tuple(groups), "", {key: tuple(values) for key, values in extra.items()})
    spec = msgspec.json.decode(spec_of(user, Attributes("get", "/x")))

    assert (spec.get("user", ""), spec.get("groups", []), spec.get("extra", {})) == (name, groups, extra)


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), max_size=20))
@example("/livez", "\udcff")
def test_any_path_can_be_asked_for(path, verb):
    """Paths and methods that are no UTF-8 give a spec, too."""
    assert spec_of(User("jane"), Attributes(verb, path)).startswith(b'{"nonResourceAttributes"')
