"""Why kubelets cannot be scraped: each row of the catalogue as a person reads it, and what is nearly that."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.kubelets import (
    ARGS,
    NO_CERTIFICATE,
    NO_SAN,
    UNKNOWN_CA,
    failing,
    pending,
    reported,
    unreachable,
)
from tests.doctor.seen import NODE_NAMES, PROVIDER, at, found, healthy, kubelet, node, node_metrics, provider

from kubevitals.doctor.evidence import Access, Evidence, KubeletView, Unseen
from kubevitals.doctor.report import examine

SELF_MADE = kubelet(serverTLSBootstrap=False)
OFF = {"webhook": {"enabled": False}, "anonymous": {"enabled": False}}
LOOKUP = "dial tcp: lookup node-2 on 10.96.0.10:53: no such host"
DIAL = "dial tcp 192.168.1.2:10250: i/o timeout"
NO_RIGHT = {"get nodes/metrics": Access(allowed=False)}
FORBIDDEN = 'request failed, status: "403 Forbidden"'
YOUNG = {"containerStatuses": [{"name": "metrics-server", "state": {"running": {"startedAt": at(40)}}}]}
UNREADY = "[-]metric-storage-ready failed: reason withheld\nreadyz check failed\n"
TYPES = "--kubelet-preferred-address-types"
ZERO = b"node_cpu_usage_seconds_total 0 1\nnode_memory_working_set_bytes 0 1\n"


def slow() -> KubeletView:
    """A kubelet that took seven seconds for the API server."""
    return replace(kubelet(b"node_cpu_usage_seconds_total 1\nnode_memory_working_set_bytes 1\n"), seconds=7.0)


def anonymous() -> KubeletView:
    """A kubelet that looks at no token, and lets anybody in."""
    return kubelet(authentication={"webhook": {"enabled": False}, "anonymous": {"enabled": True}})


CASES = {
    "D02": healthy(node_metrics=[], pods=[provider(status=YOUNG)]),
    "D19": failing(NO_SAN, NODE_NAMES, view=SELF_MADE),
    "D20": failing(UNKNOWN_CA, view=SELF_MADE),
    "D21": failing(NO_CERTIFICATE, requests=[pending("csr-a", "node-2"), pending("csr-b", "node-2")]),
    "D22": reported("expired", "certificate has expired"),
    "D23": failing(LOOKUP),
    "D24": failing("no address matched types [10.0.0.1]", pods=[provider(args=(f"{TYPES}=10.0.0.1",))]),
    "D25": failing(DIAL),
    "D26": failing("context deadline exceeded", view=slow()),
    "D27": failing('request failed, status: "401 Unauthorized"', view=kubelet(authentication=OFF)),
    "D28": failing(FORBIDDEN, NODE_NAMES, view=anonymous()),
    "D29": failing(FORBIDDEN, NODE_NAMES, rights=NO_RIGHT),
    "D30": healthy(node_metrics=Unseen("x", 503, "service unavailable"), probe=UNREADY),
    "D31": healthy(
        node_metrics=[node_metrics("node-1")], kubelets={"node-1": kubelet(), "node-2": kubelet(ZERO)}
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", CASES)
def test_each_row_is_told(row):
    """The row comes first, and reads as it did when somebody last looked at it."""
    report = examine(CASES[row])
    assert report.first.check.id == row
    assert same_as_golden(row, printed(report))


@pytest.mark.parametrize("row", CASES)
def test_what_is_insecure_comes_last(row):
    """No remedy that gives up a protection is before one that does not."""
    order = [remedy.insecure for remedy in found(CASES[row])[row].remedies]
    assert order == sorted(order)
    assert order[0] is False


@pytest.mark.parametrize("row", CASES)
def test_a_measured_node_has_no_trouble(row):
    """Lines of the log that are older than a node's metrics say nothing; a right that is not needed neither."""
    measured = [node_metrics(name) for name in NODE_NAMES]
    well = replace(CASES[row], node_metrics=measured, status=Unseen("x", 404, "not found"), probe="")
    assert found(well) == {}


# --- all nodes, some, and those that are not ready ----------------------------------------------------------


def test_a_level_tells_whether_anything_is_measured():
    """With one node measured it is degraded, with none it is broken."""
    assert found(failing(NO_SAN))["D19"].level == "degraded"
    assert found(failing(NO_SAN, NODE_NAMES))["D19"].level == "broken"
    unseen = Unseen("/apis/metrics.k8s.io/v1beta1/nodes", 503, "service unavailable")
    assert found(failing(NO_SAN, NODE_NAMES, node_metrics=unseen))["D19"].level == "broken"
    assert found(failing(NO_SAN, node_metrics=unseen))["D19"].level == "degraded"


def test_equal_errors_are_one_line_with_a_count():
    """Addresses and names are no difference."""
    finding = found(failing(NO_SAN, NODE_NAMES))["D19"]
    assert next(line for line in finding.evidence if "IP SANs" in line).endswith("(and 1 node more alike)")
    assert finding.nodes == NODE_NAMES


def test_a_node_that_is_not_ready_is_named_quietly():
    """Its failure is no news: it is a symptom, and no reason to open ports."""
    nodes = [node("node-1"), node("node-2", ready=False)]
    seen = found(replace(failing(DIAL), nodes=nodes))
    assert list(seen) == ["D31"]
    assert seen["D31"].level == "symptom"
    assert "node node-2 is NotReady" in seen["D31"].summary


def test_a_new_node_is_waited_for():
    """A node that was created just now has had no two scrapes."""
    young = created(node("node-2"), 10)
    seen = found(healthy(nodes=[node("node-1"), young], node_metrics=[node_metrics("node-1")]))
    assert "node node-2 is new" in seen["D31"].summary


def created(item, ago):
    """The node as if it had been created so many seconds ago."""
    metadata = msgspec.structs.replace(item.metadata, creation_timestamp=at(ago))
    return msgspec.structs.replace(item, metadata=metadata)


# --- what the API server sees of kubelets -------------------------------------------------------------------


def silent(view: KubeletView, **changes: object) -> Evidence:
    """Node-2 has no metrics, no log tells why, and the API server sees this of its kubelet."""
    views = {"node-1": kubelet(), "node-2": view}
    return healthy(node_metrics=[node_metrics("node-1")], kubelets=views, **changes)


@pytest.mark.parametrize(
    ("said", "row"),
    [
        ("remote error: tls: internal error", "D21"),
        ("dial tcp 192.168.1.2:10250: connect: connection refused", "D25"),
        ("dial tcp 192.168.1.2:10250: i/o timeout", "D25"),
        ("net/http: TLS handshake timeout", "D26"),
    ],
)
def test_a_kubelet_that_fails_for_the_api_server_is_itself_at_fault(said, row):
    """Without a log the node proxy tells, too."""
    assert list(found(silent(unreachable(said)))) == [row]


def test_our_own_missing_right_is_no_trouble_of_a_node():
    """Whoever may not use the node proxy learns nothing of kubelets from that."""
    message = 'nodes "node-2" is forbidden: User "jane" cannot get resource "nodes/proxy" in API group ""'
    view = KubeletView(metrics=Unseen("/api/v1/nodes/node-2/proxy/metrics/resource", 403, message))
    assert "nothing is known of node node-2" in found(silent(view))["D31"].summary


def test_a_quick_kubelet_is_not_slow():
    """When the API server gets an answer at once, a provider that waits in vain does not get there."""
    quick = replace(slow(), seconds=0.05)
    assert "D25" in found(failing("context deadline exceeded", view=quick))


def test_down_for_all():
    """D25 says so when the API server does not reach the kubelet either."""
    finding = found(failing(DIAL, view=unreachable(DIAL)))["D25"]
    assert finding.summary.startswith("Neither the provider nor the API server")


def test_pods_in_the_range_of_nodes():
    """D25 names the node and the range when a node's address is one that pods have."""
    first = node("node-1")
    first = msgspec.structs.replace(first, spec=msgspec.convert({"podCIDRs": ["192.168.0.0/16"]}, type(first.spec)))
    finding = found(replace(failing(DIAL), nodes=[first, node("node-2")]))["D25"]
    assert "InternalIP 192.168.1.2 of node-2 lies in 192.168.0.0/16, which node-1 has for its pods" in finding.evidence
    assert finding.remedies[0].text.startswith("Give pods a range")


# --- near misses --------------------------------------------------------------------------------------------


def test_no_request_is_pending():
    """D21 does not approve what was decided on already, or what another node asked for."""
    decided = pending("csr-a", "node-2", conditions=[{"type": "Approved", "status": "True"}])
    finding = found(failing(NO_CERTIFICATE, requests=[decided, pending("csr-b", "node-1")]))["D21"]
    assert all("certificate approve" not in remedy.command for remedy in finding.remedies)
    assert "kubectl get csr: none is pending of these nodes for kubernetes.io/kubelet-serving" in finding.evidence


def test_a_refusal_in_spite_of_the_right():
    """D29 does not add a rule that is there."""
    finding = found(failing(FORBIDDEN))["D29"]
    assert "though it has the right" in finding.summary
    assert "ClusterRole" not in finding.remedies[0].command


def test_an_adapter_needs_no_right_to_kubelets():
    """D29 and D02 are about providers that ask kubelets."""
    adapter = provider(container={"name": "adapter", "image": "prometheus-adapter:v0.12", "args": []})
    assert found(healthy(pods=[adapter], node_metrics=[], pod_metrics=[], rights=NO_RIGHT)) == {}


def test_metrics_for_stats():
    """D29 grants nodes/stats to releases before 0.6, which ask for that."""
    said = (
        'request failed - "403 Forbidden", response: "Forbidden (user=u, verb=get, resource=nodes, subresource=stats)"'
    )
    assert '"nodes/stats"' in found(failing(said, rights=NO_RIGHT))["D29"].remedies[0].command


def test_an_old_provider_without_metrics():
    """D02 tells to look into the log when waiting does not help."""
    finding = found(healthy(node_metrics=[]))["D02"]
    assert finding.level == "symptom"
    assert finding.remedies[0].command == f"kubectl -n kube-system logs {PROVIDER} --tail=100"


def test_a_changed_pin_is_accepted_where_pins_are_kept():
    """D20 of our own server: the Secret that holds the pins is named."""
    args = ("--kubelet-tls-pin=secret:kube-system/metrics-server-kubelet-pins",)
    finding = found(reported("pin_changed", "other than before", pods=[provider(args=args)]))["D20"]
    assert finding.remedies[0].command == "kubectl -n kube-system edit secret metrics-server-kubelet-pins"


def test_clocks_that_differ():
    """D22 does not renew a certificate that will be valid later."""
    finding = found(reported("not_yet_valid", "certificate is not yet valid"))["D22"]
    assert "clocks differ" in finding.summary


@pytest.mark.parametrize(
    ("args", "patch"),
    [
        (ARGS, '"op":"replace","path":"/spec/template/spec/containers/0/args/2"'),
        (("--secure-port=10250",), '"op":"add","path":"/spec/template/spec/containers/0/args/-"'),
        ((), '"op":"add","path":"/spec/template/spec/containers/0/args","value":['),
    ],
)
def test_a_flag_takes_the_place_of_its_like(args, patch):
    """Commands change the running Deployment by name, and repeat no flag."""
    command = found(failing(LOOKUP, pods=[provider(args=args)]))["D23"].remedies[0].command
    assert command.startswith("kubectl -n kube-system patch deployment/metrics-server --type json -p '[{")
    assert patch in command
