"""Taking over from metrics-server's chart, in the release that it made."""

from __future__ import annotations

from tests.chart.chart import NAMESPACE, Helm, Rendered

# What a release named metrics-server has; of these, selectors and roleRefs cannot be changed.
OBJECTS = {
    ("ServiceAccount", NAMESPACE, "metrics-server"),
    ("ClusterRole", None, "system:metrics-server-aggregated-reader"),
    ("ClusterRole", None, "system:metrics-server"),
    ("ClusterRoleBinding", None, "metrics-server:system:auth-delegator"),
    ("ClusterRoleBinding", None, "system:metrics-server"),
    ("RoleBinding", "kube-system", "metrics-server-auth-reader"),
    ("Service", NAMESPACE, "metrics-server"),
    ("Deployment", NAMESPACE, "metrics-server"),
    ("APIService", None, "v1beta1.metrics.k8s.io"),
}
NEW = {
    ("APIService", None, "v1.metrics.k8s.io"),
    ("Role", NAMESPACE, "metrics-server"),
    ("RoleBinding", NAMESPACE, "metrics-server"),
    ("Secret", NAMESPACE, "metrics-server-tls"),
}
SELECTOR = {"app.kubernetes.io/name": "metrics-server", "app.kubernetes.io/instance": "metrics-server"}


def taken_over(helm: Helm) -> Rendered:
    return helm.template({"nameOverride": "metrics-server"}, release="metrics-server")


def test_every_object_is_replaced_in_place(helm: Helm):
    """Every object of metrics-server's chart has its name here, so that nothing is left behind or doubled."""
    objects = taken_over(helm).objects
    found = {(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects}
    assert found == OBJECTS | NEW


def test_what_cannot_be_changed_is_the_same(helm: Helm):
    """The Deployment's selector and the roles that are bound are those of metrics-server's chart."""
    rendered = taken_over(helm)
    assert rendered.one("Deployment")["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert rendered.one("Service")["spec"]["selector"] == SELECTOR
    bound = {name: each["roleRef"]["name"] for name, each in rendered.all("ClusterRoleBinding").items()}
    assert bound == {
        "metrics-server:system:auth-delegator": "system:auth-delegator",
        "system:metrics-server": "system:metrics-server",
    }
    reader = rendered.all("RoleBinding")["metrics-server-auth-reader"]["roleRef"]["name"]
    assert reader == "extension-apiserver-authentication-reader"


def test_patches_of_the_container_go_on_to_fit(helm: Helm):
    """The container has metrics-server's name, by which patches and autoscalers know it."""
    assert taken_over(helm).container["name"] == "metrics-server"
    assert helm.template().container["name"] == "metrics-server"


def test_names_are_made_as_usual(helm: Helm):
    """The release's name is not repeated, an override replaces it, and both are cut where Kubernetes cuts."""
    assert list(helm.template(release="kubevitals").all("Deployment")) == ["kubevitals"]
    assert list(helm.template({"fullnameOverride": "own"}).all("Deployment")) == ["own"]
    assert list(helm.template({"fullnameOverride": f"{'a' * 62}-b"}).all("Deployment")) == ["a" * 62]
