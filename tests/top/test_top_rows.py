"""Metrics joined with their objects, and totals of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.top.screens import MILLI, NODE_USES, NODES, POD_USES, PODS, amounts, bounds, pod, use

from kubevitals.top.model import Amounts, Bounds, NodeUse, PodUse, Row
from kubevitals.top.rows import container_rows, node_rows, pod_rows
from kubevitals.top.totals import grouped, total


def names(rows):
    return [row.name for row in rows]


def test_every_node_has_a_row():
    """One without metrics stays, and so does one that has metrics and no object."""
    rows = node_rows(NODES, [*NODE_USES, NodeUse("gone", use(1, 1))], PODS)
    assert names(rows) == ["control-plane", "gone", "worker-1", "worker-2", "worker-3"]
    assert [row.use is None for row in rows] == [False, False, False, False, True]


def test_with_a_selector_only_its_nodes_have_rows():
    """An adapter may answer for all nodes whatever it is asked."""
    assert names(node_rows(NODES[:1], NODE_USES, PODS, strict=True)) == ["control-plane"]


def test_a_node_reserves_for_its_pods():
    """Requests and limits are those of the pods that are not over; without pods the requests are zero."""
    over = pod("shop", "done", "worker-2", "Job/x", 9, ("c", bounds(9000, 9000, 9000, 9000)), phase="Succeeded")
    rows = {row.name: row for row in node_rows(NODES, NODE_USES, [*PODS, over])}
    assert rows["worker-2"].bounds == bounds(1570, 8544, 5200, 12992)
    assert (rows["worker-3"].bounds, rows["worker-3"].pods) == (bounds(0, 0, None, None), 0)


def test_without_rights_there_is_what_is_measured():
    """Without objects the metrics alone make the rows, and nothing is made up."""
    row = node_rows(None, NODE_USES, None)[0]
    assert row == Row("control-plane", use=NODE_USES[0].use)
    assert names(pod_rows(None, POD_USES)) == [found.name for found in POD_USES]


def test_running_pods_without_metrics_have_rows():
    """They are shown as unknown; pods that do not run and have no metrics are not."""
    pending = pod("shop", "pending", "", "Pod/pending", 5, ("c", Bounds()), phase="Pending")
    rows = pod_rows([*PODS, pending], POD_USES)
    assert [row.name for row in rows if row.use is None] == ["checkout-6b9d8f4c75-wz9kl"]
    assert "pending" not in names(rows)


def test_a_pod_uses_what_its_containers_use():
    """CPU and memory are added up."""
    row = next(row for row in pod_rows(PODS, POD_USES) if row.name == "postgres-0")
    assert row.use == use(2313, 9891, 4, 14.7)


def test_a_deleted_pod_stays_as_long_as_its_metrics():
    """Unless a selector chose the pods: then nobody knows whether it would have been chosen."""
    gone = PodUse("shop", "gone", (("c", use(1, 1)),))
    assert "gone" in names(pod_rows(PODS, [*POD_USES, gone]))
    assert "gone" not in names(pod_rows(PODS, [*POD_USES, gone], strict=True))


def test_containers_have_rows_of_their_own():
    """Each has its own bounds; one without metrics is unknown though its pod has some."""
    use_of_one = [PodUse("shop", "cart-5d8f7c9b6d-7hqzt", (("cart", use(741, 347)),))]
    chosen = [found for found in PODS if found.name == "cart-5d8f7c9b6d-7hqzt"]
    rows = container_rows(chosen, use_of_one)
    assert [(row.container, row.use is None, row.bounds.requests) for row in rows] == [
        ("cart", False, amounts(500, 256)),
        ("proxy", True, amounts(50, 64)),
    ]


def test_totals_by_owner_stay_in_their_namespace():
    """Two Deployments of one name in two namespaces are two."""
    rows = [
        Row("a", "one", owner="Deployment/x", use=use(1, 1)),
        Row("b", "one", owner="Deployment/x"),
        Row("c", "two", owner="Deployment/x", use=use(4, 4)),
    ]
    found = grouped(rows, "owner")
    assert [(row.namespace, row.name, row.pods, row.unmeasured) for row in found] == [
        ("one", "Deployment/x", 2, 1),
        ("two", "Deployment/x", 1, 0),
    ]
    assert [row.name for row in grouped(rows, "namespace")] == ["one", "two"]


def test_a_total_has_a_limit_only_if_all_have():
    """Requests are added up where there are any."""
    rows = [Row("a", bounds=bounds(100, 10, 200, 20)), Row("b", bounds=bounds(None, 5, None, 10))]
    assert total(rows, "T").bounds == Bounds(amounts(100, 15), Amounts(None, 30 << 20))


rows_of = st.builds(
    Row,
    st.text("ab", min_size=1, max_size=2),
    st.sampled_from(["x", "y"]),
    use=st.none() | st.builds(use, st.integers(0, 9999), st.integers(0, 9999)),
)


@given(st.lists(rows_of))
def test_groups_lose_nothing(rows):
    """Adding up the groups gives what adding up all rows gives."""
    by_namespace = grouped(rows, "namespace")
    assert total(by_namespace, "T") == total(rows, "T")
    measured = [row.use.cpu for row in rows if row.use]
    whole = total(rows, "T").use
    assert (whole.cpu if whole else 0) == sum(measured)
    assert all(cpu % MILLI == 0 for cpu in measured)
