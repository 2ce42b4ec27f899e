"""The rows between the registration and the rights: each one change away from a healthy cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.seen import (
    PROVIDER,
    PUBLISHED,
    api_service,
    at,
    found,
    healthy,
    node,
    of,
    provider,
    service,
    slices,
)

from kubevitals.doctor import rights
from kubevitals.doctor.evidence import Access, Evidence, Unseen
from kubevitals.doctor.objects import ApiService, ConfigMap, Event, Pod
from kubevitals.doctor.report import examine

CLUSTER_IP, POD_IP = "10.96.20.30", "10.244.0.7"
UNREACHED = Unseen("/api/v1/…/proxy/readyz", 503, "error trying to reach service: dial tcp: i/o timeout")
GONE = Unseen("/apis/metrics.k8s.io/v1beta1/nodes", 503, "the server is currently unable to handle the request")


def failing(said: str, address: str = POD_IP, port: int = 10250, **more: Any) -> Evidence:
    """The API server's check of the provider fails with a message of kube-aggregator's."""
    url = f"https://{address}:{port}/apis/metrics.k8s.io/v1beta1"
    message = f"failing or missing response from {url}: {said.format(url=url)}"
    down = [api_service(v, status="False", reason="FailedDiscoveryCheck", message=message) for v in ("v1beta1", "v1")]
    return healthy(**{"api_services": down, "node_metrics": GONE, "pod_metrics": GONE, "kubelets": {}} | more)


def waiting(reason: str, message: str, **pod: Any) -> Evidence:
    """The provider's container waits."""
    status = {
        "name": "metrics-server",
        "ready": False,
        "restartCount": 3,
        "state": {"waiting": {"reason": reason, "message": message}},
    }
    made = provider(ready=False, status={"containerStatuses": [status]}, **pod)
    return unready(made)


def unready(pod: Pod, log: str = "") -> Evidence:
    """The provider's pod is not ready, and so has no endpoint."""
    message = 'endpoints for service/metrics-server in "kube-system" have no addresses with port name "https"'
    down = [api_service(v, status="False", reason="MissingEndpoints", message=message) for v in ("v1beta1", "v1")]
    probe = Unseen("/api/v1/…/proxy/readyz", 503, 'no endpoints available for service "https:metrics-server:https"')
    gone = {"api_services": down, "node_metrics": GONE, "pod_metrics": GONE, "kubelets": {}, "probe": probe}
    return healthy(pods=[pod], slices=slices(ready=False), logs={PROVIDER: log}, **gone)


def crashed(log: str, **pod: Any) -> Evidence:
    """The provider ends as soon as it starts."""
    return unready(provider(ready=False, **pod), log)


def api_server(**env: str) -> Pod:
    """The API server's static pod."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    container = {"name": "kube-apiserver", "command": ["kube-apiserver"], "env": variables}
    return of(Pod, {"metadata": {"name": "kube-apiserver-node-1"}, "spec": {"containers": [container]}})


def published(**changes: str | None) -> ConfigMap:
    """The published settings of the aggregation layer; None removes a key."""
    data = PUBLISHED | {key.replace("_", "-"): value for key, value in changes.items()}
    return of(ConfigMap, {"data": {key: value for key, value in data.items() if value is not None}})


def forbidden(user: str) -> Unseen:
    """The provider's refusal to list."""
    said = (
        f'nodes.metrics.k8s.io is forbidden: User "{user}" cannot list resource "nodes" in API group "metrics.k8s.io"'
    )
    return Unseen("/apis/metrics.k8s.io/v1beta1/nodes", 403, said)


def event(message: str) -> Event:
    """A ReplicaSet could not make its pod."""
    about = {"kind": "ReplicaSet", "name": "metrics-server-5d8f"}
    return of(Event, {"involvedObject": about, "reason": "FailedCreate", "message": message})


def killed() -> Pod:
    """The provider's pod, whose container was killed for its memory."""
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": at(60)}}
    status = {"name": "metrics-server", "ready": True, "restartCount": 4, "lastState": ended}
    return provider(status={"containerStatuses": [status]})


def second(namespace: str = "monitoring") -> Pod:
    """A metrics server that somebody else has installed."""
    place = {"name": "metrics-server-0", "namespace": namespace}
    return of(Pod, {"metadata": place, "status": {"phase": "Running"}})


def unscheduled() -> Pod:
    """A second replica on one node."""
    why = "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    return provider(ready=False, status={"phase": "Pending", "conditions": [condition], "containerStatuses": []})


DENIED = {"list nodes.metrics.k8s.io": Access(False)}
OTHER = of(
    ApiService,
    {
        "metadata": {"name": "v1.custom.example"},
        "spec": {"group": "custom.example", "version": "v1"},
        "status": {"conditions": [{"type": "Available", "status": "False", "reason": "ServiceNotFound"}]},
    },
)
LED_TO = {"namespace": "kube-system", "name": "metrics-server"}
OWNED = of(
    ApiService,
    {
        "metadata": {
            "name": "v1beta1.metrics.k8s.io",
            "annotations": {"meta.helm.sh/release-name": "ms", "meta.helm.sh/release-namespace": "kube-system"},
        },
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": {"namespace": "kube-system", "name": "metrics-server"},
        },
    },
)
NO_AUTH = 'configmaps "extension-apiserver-authentication" is forbidden: User "system:serviceaccount:x:y" cannot get'
NO_AGGREGATION = "cluster doesn't provide requestheader-client-ca-file in configmap/extension-apiserver-authentication"
PULL = 'failed to pull image "registry.example/kubevitals:v0.1.0": dial tcp: i/o timeout'
QUOTA = 'pods "metrics-server-5d8f-" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [x]}]'
TIMEOUT = 'Get "{url}": dial tcp: i/o timeout'

ROWS: dict[str, Callable[[], Evidence]] = {
    "D03": lambda: unready(provider(ready=False)),
    "D05": lambda: failing(TIMEOUT),
    "D06": lambda: failing(TIMEOUT, CLUSTER_IP, 443),
    "D07": lambda: failing(TIMEOUT, CLUSTER_IP, 443, probe=UNREACHED),
    "D08": lambda: failing('Get "{url}": No agent available'),
    "D09": lambda: failing('Get "{url}": EOF', api_servers=[api_server(HTTPS_PROXY="http://user:secret@proxy:3128")]),
    "D10": lambda: failing("bad status from {url}: 404", "192.168.1.1"),
    "D11": lambda: failing("bad status from {url}: 401"),
    "D14": lambda: healthy(published=published(requestheader_client_ca_file=None)),
    "D15": lambda: healthy(node_metrics=forbidden("aggregator"), pod_metrics=forbidden("aggregator")),
    "D16": lambda: healthy(
        node_metrics=forbidden("jane"),
        pod_metrics=forbidden("jane"),
        own_rights=DENIED,
    ),
    "D17": lambda: crashed(NO_AUTH),
    "D18": lambda: healthy(rights={"create subjectaccessreviews": Access(False), "list nodes": Access(True)}),
    "D40": lambda: healthy(api_services=[api_service(), OTHER]),
    "D41": lambda: healthy(api_services=[OWNED], candidates=[provider(), second()]),
    "D42": lambda: crashed("listen tcp :10250: bind: address already in use", spec={"hostNetwork": True}),
    "D43": lambda: waiting("ImagePullBackOff", PULL),
    "D44": lambda: healthy(pods=[], slices=[], logs={}, events=[event(QUOTA)]),
    "D45": lambda: unready(unscheduled()),
    "D49": lambda: healthy(pods=[killed()]),
    "D50": lambda: healthy(rights={"list nodes": Access(False), "list pods": Access(True)}),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_told(row):
    """What a person reads of it, letter by letter, and that it comes first."""
    report = examine(ROWS[row]())
    assert report.first is not None
    assert report.first.check.id == row
    assert same_as_golden(row, printed(report))


@pytest.mark.parametrize("row", ROWS)
def test_no_remedy_gives_up_protection_first(row):
    """Whatever is insecure comes last."""
    insecure = [remedy.insecure for remedy in found(ROWS[row]())[row].remedies]
    assert insecure == sorted(insecure)


def test_a_proxy_is_named_without_its_password():
    """D09 tells that there is a proxy; what stands in its URL is nobody's business."""
    assert "secret" not in printed(examine(ROWS["D09"]()))


@pytest.mark.parametrize(
    ("change", "not_found"),
    [
        (lambda: failing(TIMEOUT, CLUSTER_IP, 443), "D05"),
        (lambda: failing(TIMEOUT), "D06"),
        (lambda: failing("bad status from {url}: 404", "192.168.1.1", 4443), "D10"),
        (lambda: failing("bad status from {url}: 401", "192.168.1.1"), "D11"),
        (lambda: healthy(api_servers=[api_server(HTTPS_PROXY="http://proxy:3128")]), "D09"),
        (lambda: healthy(published=Unseen("/api/v1/…", 403, "forbidden")), "D14"),
        (lambda: healthy(logs={PROVIDER: NO_AUTH}), "D17"),
        (lambda: healthy(rights={"create tokenreviews": Unseen("/apis/…", 403, "forbidden")}), "D18"),
        (lambda: healthy(events=[event(QUOTA)]), "D44"),
        (lambda: healthy(pods=[provider(), unscheduled()]), "D45"),
        (lambda: healthy(candidates=[provider(), second("kube-system")]), "D41"),  # a replica of the same
        (lambda: healthy(slices=Unseen("/apis/…", 403, "forbidden")), "D03"),
    ],
)
def test_near_misses(change, not_found):
    """What looks alike and is something else, or cannot be seen, is not told as this."""
    assert not_found not in found(change())


def test_of_a_service_without_endpoints_it_is_told_why():
    """D03: no pod has the labels, the pods are not ready, or no container has the port's name."""
    nothing = found(healthy(pods=[], slices=[]))["D03"]
    named = found(healthy(service=service(ports=[{"name": "https", "port": 443, "targetPort": "web"}]), slices=[]))[
        "D03"
    ]
    waits = found(unready(provider(ready=False)))["D03"]
    assert (nothing.level, named.level, waits.level) == ("broken", "broken", "symptom")
    assert '"value":"https"' in named.remedies[0].command
    assert "k8s-app=metrics-server" in nothing.summary


def test_a_deeper_cause_comes_before_a_service_without_endpoints():
    """A pod that crashes is the cause, and the missing endpoint follows from it."""
    report = examine(crashed(NO_AUTH))
    assert [item.check.id for item in report.others] == ["D03"]


def test_a_healthy_node_list_changes_nothing():
    """More nodes are no finding."""
    assert found(healthy(nodes=[node(f"node-{i}") for i in (1, 2)])) == {}


def test_a_readiness_that_names_the_missing_right():
    """D17: a provider that does not crash over it says so when it is asked whether it is ready."""
    probe = Unseen("/api/v1/…/proxy/readyz", 500, f"[+]ping ok\n[-]metric-informer-sync failed: {NO_AUTH}\n")
    assert found(healthy(probe=probe))["D17"].evidence[0].startswith("/readyz: [-]metric-informer-sync failed")


def test_a_right_that_is_denied_is_enough():
    """D17: whoever may ask about the provider's rights need not wait until it restarts."""
    line = found(healthy(rights={rights.AUTHENTICATION: Access(False)}))["D17"].evidence[0]
    assert line.endswith("--as=system:serviceaccount:kube-system:metrics-server: no")


@pytest.mark.parametrize("said", ["EOF", "dial tcp: i/o timeout", "bad status from {url}: 404"])
def test_whatever_is_said_of_the_kubelets_port_it_is_the_kubelet(said):
    """D10: nothing else can listen there, and no other row is told beside it."""
    assert sorted(found(failing(said, "192.168.1.1"))) == ["D10"]


def test_of_symptoms_the_deepest_is_told_first():
    """A provider without metrics is why its Service has no endpoint, and not the other way round."""
    probe = Unseen("/api/v1/…/proxy/readyz", 500, "[-]metric-storage-ready failed: no metrics to serve\n")
    report = examine(replace(unready(provider(ready=False)), probe=probe))
    assert report.first is not None
    assert [report.first.check.id, *(item.check.id for item in report.others)] == ["D30", "D03"]
