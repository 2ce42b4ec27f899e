"""Roles and bindings: who may do what."""

from __future__ import annotations

import pytest

from kubevitals.model import User
from kubevitals.simulator import roles
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import NAMESPACES
from kubevitals.simulator.rbac import allows, authorize
from kubevitals.simulator.registry import Registry

PODS = Attributes("list", resource="pods", namespace="a")
SERVER = User("system:serviceaccount:kube-system:metrics-server", ("system:serviceaccounts",))


@pytest.fixture
def registry():
    made = Registry(now=lambda: 0.0)
    for name in ("kube-system", "a", "b"):
        made.create(NAMESPACES, {"metadata": {"name": name}})
    for kind, item in [*roles.defaults(), *roles.metrics_server()]:
        made.create(kind, item)
    return made


@pytest.mark.parametrize(
    ("rule", "asked", "expected"),
    [
        (roles.rule([""], ["pods"], ["get"]), Attributes("get", resource="pods"), True),
        (roles.rule([""], ["pods"], ["get"]), Attributes("list", resource="pods"), False),
        (roles.rule(["apps"], ["pods"], ["get"]), Attributes("get", resource="pods"), False),
        (roles.rule(["*"], ["*"], ["*"]), Attributes("delete", group="x", resource="y", subresource="z"), True),
        (roles.rule([""], ["pods"], ["get"]), Attributes("get", resource="pods", subresource="log"), False),
        (roles.rule([""], ["pods/log"], ["get"]), Attributes("get", resource="pods", subresource="log"), True),
        (roles.rule([""], ["*/log"], ["get"]), Attributes("get", resource="pods", subresource="log"), True),
        (roles.rule([""], ["pods/log"], ["get"]), Attributes("get", resource="pods"), False),
        (roles.rule([""], ["pods"], ["get"], ["x"]), Attributes("get", resource="pods", name="x"), True),
        (roles.rule([""], ["pods"], ["list"], ["x"]), Attributes("list", resource="pods"), False),
        (roles.paths(["/livez"]), Attributes("get", "/livez"), True),
        (roles.paths(["/livez"]), Attributes("get", "/livez/ping"), False),
        (roles.paths(["/apis/*"]), Attributes("get", "/apis/x/v1"), True),
        (roles.paths(["*"]), Attributes("post", "/"), False),
        (roles.paths(["/api"]), Attributes("get", "/api", resource="pods"), False),
        ({"verbs": ["get"]}, Attributes("get", resource="pods"), False),
    ],
)
def test_a_rule_covers_what_it_names(rule, asked, expected):
    """Verbs, groups, resources, names and paths must all match, and stars match all."""
    assert allows(rule, asked) is expected


@pytest.mark.parametrize(
    ("user", "asked", "expected"),
    [
        (User("root", ("system:masters",)), PODS, True),
        (User("jane", ("system:authenticated",)), PODS, False),
        (User("jane", ("system:authenticated",)), Attributes("get", "/openapi/v3"), True),
        (User("nobody", ("system:unauthenticated",)), Attributes("get", "/openapi/v3"), False),
        (User("nobody", ("system:unauthenticated",)), Attributes("get", "/livez"), True),
        (SERVER, Attributes("watch", resource="pods"), True),
        (SERVER, Attributes("get", resource="nodes", subresource="metrics", name="n"), True),
        (SERVER, Attributes("get", resource="nodes", subresource="stats", name="n"), False),
        (SERVER, Attributes("create", group="authorization.k8s.io", resource="subjectaccessreviews"), True),
    ],
)
def test_default_roles(registry, user, asked, expected):
    """The default roles and those of the metrics server grant what they grant in a real cluster."""
    assert authorize(registry, user, asked).allowed is expected


@pytest.mark.parametrize(
    ("name", "namespace", "expected"),
    [
        ("extension-apiserver-authentication", "kube-system", True),
        ("extension-apiserver-authentication", "a", False),
        ("other", "kube-system", False),
        ("", "kube-system", False),
    ],
)
def test_a_role_for_one_object_covers_only_that(registry, name, namespace, expected):
    """The metrics server may watch one ConfigMap, and only when it asks for it by name."""
    asked = Attributes("watch", resource="configmaps", namespace=namespace, name=name)
    assert authorize(registry, SERVER, asked).allowed is expected


def test_a_binding_in_a_namespace_counts_only_there(registry):
    """A RoleBinding of a ClusterRole grants it in its own namespace, and says so."""
    registry.create(*roles.binding("viewers", "view", [roles.user("jane")], "a"))
    jane = User("jane")
    assert authorize(registry, jane, PODS) == (
        True,
        'RBAC: allowed by RoleBinding "viewers/a" of ClusterRole "view" to User "jane"',
    )
    assert not authorize(registry, jane, Attributes("list", resource="pods", namespace="b")).allowed
    assert not authorize(registry, jane, Attributes("list", resource="pods")).allowed


def test_subjects_may_be_groups_and_accounts(registry):
    """A ServiceAccount without a namespace is one of the binding's own; a binding of no role grants nothing."""
    subjects = [roles.group("ops"), {"kind": "ServiceAccount", "name": "bot"}, {"kind": "Robot", "name": "bot"}]
    registry.create(*roles.binding("mixed", "view", subjects, "a"))
    registry.create(*roles.binding("empty", "missing", [roles.user("jane")], "a"))
    allowed = [User("x", ("ops",)), User("system:serviceaccount:a:bot"), User("bot"), User("jane")]
    assert [authorize(registry, user, PODS).allowed for user in allowed] == [True, True, False, False]


def test_the_reason_names_a_service_account_by_its_namespace(registry):
    """The reason is worded as the RBAC authorizer words it."""
    reason = authorize(registry, SERVER, Attributes("list", resource="nodes")).reason
    assert reason == (
        'RBAC: allowed by ClusterRoleBinding "system:metrics-server" of ClusterRole "system:metrics-server" '
        'to ServiceAccount "metrics-server/kube-system"'
    )
