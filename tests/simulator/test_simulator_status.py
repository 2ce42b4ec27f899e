"""Refusals in Kubernetes' words."""

from __future__ import annotations

import pytest

from kubevitals.simulator import status
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import NODES, ROLES

LIST = Attributes("list", "", "metrics.k8s.io", "v1beta1", "nodes")


@pytest.mark.parametrize(
    ("asked", "message", "details"),
    [
        (
            Attributes("get", "/metrics"),
            'forbidden: User "u" cannot get path "/metrics"',
            {},
        ),
        (
            LIST,
            'nodes.metrics.k8s.io is forbidden: User "u" cannot list resource "nodes" in API group '
            '"metrics.k8s.io" at the cluster scope',
            {"group": "metrics.k8s.io", "kind": "nodes"},
        ),
        (
            Attributes("get", resource="pods", subresource="log", namespace="a", name="b"),
            'pods "b" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "a"',
            {"name": "b", "kind": "pods"},
        ),
    ],
)
def test_forbidden_says_who_cannot_do_what_where(asked, message, details):
    """A 403 names user, verb, resource, group and scope, and repeats the object in its details."""
    found = status.forbidden("u", asked).status
    assert (found["message"], found["details"], found["code"]) == (message, details, 403)


def test_names_are_escaped_in_a_forbidden_message():
    """A user name cannot bring markup or line breaks into a message."""
    found = status.forbidden("<b>\n", LIST, "because").status["message"]
    assert 'User "&lt;b&gt;\\n" cannot list' in found
    assert found.endswith(": because")


def test_a_status_has_its_fields_in_kubernetes_order():
    """The document is spelled as clients have always seen it."""
    assert list(status.not_found(ROLES, "r").status) == [
        "kind",
        "apiVersion",
        "metadata",
        "status",
        "message",
        "reason",
        "details",
        "code",
    ]
    assert status.not_found(ROLES, "r").status["details"] == {
        "name": "r",
        "group": "rbac.authorization.k8s.io",
        "kind": "roles",
    }
    assert "details" not in status.unauthorized().status


def test_success_names_what_was_deleted():
    """The answer to a deletion carries name and uid."""
    found = status.success(NODES, {"metadata": {"name": "n", "uid": "1"}})
    assert (found["status"], found["details"]) == ("Success", {"name": "n", "kind": "nodes", "uid": "1"})
