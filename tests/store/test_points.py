"""The points of a cluster: several nodes, pods that move, and nothing left of what is gone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubevitals.model import NodeUsage, PodUsage, Withheld
from kubevitals.store.points import Points, WithheldObject

WEB, API = "default/web/app", "default/api/app"


@pytest.fixture
def points():
    return Points(resolution=15.0)


@pytest.fixture
def feed(points, make_kubelet):
    """Has a node scraped at a second; containers and node point are as a Kubelet takes them."""
    kubelets = {}

    def absorb(node, second, containers=None, node_point=None, **more):
        kubelet = kubelets.setdefault(node, make_kubelet())
        batch = kubelet.batch(containers or {}, node_point, **more)
        points.absorb(node, batch, kubelet.EPOCH_MS + round(second * 1000))

    return absorb


def twice(feed, node, *containers, start=0, at=100):
    for second in (at, at + 15):
        feed(node, second, dict.fromkeys(containers, (second, second, start)), (second, second))


def cpu_of(points, namespace="default", name="web"):
    usage = points.pod_usage(namespace, name)
    assert isinstance(usage, PodUsage)
    return usage.containers[0].nanocores


def left_over(points):
    """What a store holds of nodes and pods."""
    return {
        "nodes": len(points._reports),
        "pods": len(points._places),
        "namespaces": len(points._places._namespaces),
        "counts": (points.node_points, points.container_points, points.pods_with_usage),
        "derived": len(points.derived),
        "bound": len(points._bound),
        "shared": len(points._places.shared),
    }


def test_what_was_never_scraped_is_withheld_with_a_reason(points):
    """An unknown node or pod has no usage, and the reason names the time that was waited."""
    assert points.node_usage("n") == Withheld("the node was not scraped successfully in the last 45 seconds")
    assert points.pod_usage("a", "b") == Withheld("no kubelet reported the pod in the last 45 seconds")


def test_how_long_points_are_kept_can_be_chosen(make_kubelet):
    """``keep`` replaces the three resolutions."""
    kubelet = make_kubelet()
    points = Points(resolution=15.0, keep=20.5)
    points.absorb("n", kubelet.batch(node=(100, 1)), kubelet.EPOCH_MS)
    points.expire(kubelet.EPOCH_MS + 20_500)
    assert points.node_usage("n") == Withheld("the node was first seen in this scrape")

    points.expire(kubelet.EPOCH_MS + 20_501)
    assert points.node_usage("n") == Withheld("the node was not scraped successfully in the last 20.5 seconds")


def test_points_are_counted_over_all_nodes(points, feed):
    """The counts are of nodes, containers and pods that a rate can be computed for."""
    twice(feed, "a", WEB, "default/web/sidecar")
    twice(feed, "b", "default/other/app")
    feed("c", 115, {"default/third/app": (115, 1, 0)}, (115, 1))

    assert (points.node_points, points.container_points, points.pods_with_usage) == (2, 3, 2)


def test_a_clock_that_runs_ahead_changes_nothing(points, feed):
    """A node whose clock is an hour ahead of the server's is measured like any other."""
    feed("a", 100, {WEB: (3700, 10, None)}, (3700, 10))
    feed("a", 115, {WEB: (3715, 25, None)}, (3715, 25))

    assert cpu_of(points) == 1_000_000_000
    assert isinstance(points.node_usage("a"), NodeUsage)


def test_of_two_nodes_the_one_measured_later_speaks_for_a_pod(points, feed):
    """A pod that moved is served from where it runs, although the old kubelet still shows it."""
    twice(feed, "a", WEB, start=0, at=50)
    for second in (135, 150):
        feed("b", second, {WEB: (second, 2 * second, None)})

    assert cpu_of(points) == 2_000_000_000


def test_of_two_nodes_measured_together_the_later_start_speaks_for_a_pod(points, feed):
    """Two kubelets scraped in turns do not take turns in the answers."""
    for second in (100, 115, 130):
        feed("a", second + 3, {WEB: (second + 3, second, 10)})
        feed("b", second, {WEB: (second, 2 * second, 20)})
        feed("a", second + 4, {WEB: (second + 4, second, 10)})

    assert cpu_of(points) == 2_000_000_000


def test_of_two_equal_nodes_the_smaller_name_speaks_for_a_pod(points, feed):
    """With nothing else to tell them apart, the answer still does not depend on who came first."""
    for second in (100, 115):
        feed("b", second, {WEB: (second, 2 * second, 0)})
        feed("a", second, {WEB: (second, second, 0)})

    assert cpu_of(points) == 1_000_000_000


def test_a_pod_with_points_on_one_node_and_none_on_the_other_is_served(points, feed):
    """A dropped pod says nothing about the points that another node has of it."""
    feed("a", 100, dropped={"default/web": "cpu is 0"})
    assert points.pod_usage("default", "web") == Withheld("cpu is 0")

    twice(feed, "b", WEB)
    assert cpu_of(points) == 1_000_000_000


def test_a_pod_dropped_on_both_nodes_has_the_reason_of_the_first(points, feed):
    """Reasons are chosen by node name."""
    feed("b", 100, dropped={"default/web": "memory is 0"})
    feed("a", 100, dropped={"default/web": "cpu is 0"})

    assert points.pod_usage("default", "web") == Withheld("cpu is 0")


def test_a_change_among_the_dropped_pods_alone_is_noticed(points, feed):
    """Pods without points come and go although the containers with points stay."""
    feed("a", 100, {WEB: (100, 1, 0)}, dropped={"ns/one": "cpu is 0"})
    feed("a", 115, {WEB: (115, 2, 0)}, dropped={"ns/two": "cpu is 0"})

    assert points.pod_usage("ns", "two") == Withheld("cpu is 0")
    assert points.pod_usage("ns", "one") == Withheld("no kubelet reported the pod in the last 45 seconds")
    assert left_over(points)["pods"] == 2


def test_when_one_of_two_nodes_is_forgotten_the_other_speaks(points, feed):
    """A pod is known as long as a node reports it."""
    twice(feed, "a", WEB)
    twice(feed, "b", WEB)
    points.forget_node("a")
    assert cpu_of(points) == 1_000_000_000

    points.forget_node("b")
    assert isinstance(points.pod_usage("default", "web"), Withheld)


def test_a_forgotten_pod_is_gone_from_every_node(points, feed):
    """A new pod of the same name is not shown with the numbers of the old one."""
    twice(feed, "a", WEB, API)
    twice(feed, "b", WEB)
    points.forget_pod("default", "web")

    assert points.pod_usage("default", "web") == Withheld("no kubelet reported the pod in the last 45 seconds")
    assert cpu_of(points, name="api") == 1_000_000_000
    assert left_over(points)["pods"] == 1

    feed("a", 130, {WEB: (130, 130, 0), API: (130, 130, 0)})
    assert points.pod_usage("default", "web") == Withheld("container app was first seen in this scrape")


def test_the_revision_grows_with_every_change(points, feed):
    """Whoever compares revisions sees each scrape and each removal, and nothing else."""
    revisions = [points.revision]

    def changed():
        revisions.append(points.revision)
        return revisions[-1] > revisions[-2]

    feed("a", 100, {WEB: (100, 1, 0), API: (100, 1, 0)})
    assert changed()
    feed("a", 115, {WEB: (115, 1, 0), API: (115, 1, 0)})
    assert changed()
    points.forget_pod("default", "web")
    assert changed()
    points.forget_node("a")
    assert changed()
    points.forget_node("a")
    points.forget_pod("default", "web")
    points.expire(2**60)
    assert not changed()


def test_the_revision_starts_where_it_is_told(feed):
    """A server that restarts can go on above what it said before."""
    assert Points(resolution=15.0, first_revision=7000).revision == 7000


def test_what_was_made_of_a_nodes_points_goes_with_them(points, feed):
    """What a reader keeps is there until its pod or node is gone, or another node reports the pod as well."""
    everything = [("", "a"), ("", "b"), ("default", "web"), ("default", "api"), ("default", "other")]

    def kept():
        return [key for key in everything if key[1] in points.derived.of(key[0])]

    feed("a", 100, {WEB: (100, 1, 0), API: (100, 1, 0)}, (100, 1))
    feed("b", 100, {"default/other/app": (100, 1, 0)})
    for key in everything:
        assert points.reported_once(*key)
        points.derived.keep(*key, "made")
    assert kept() == everything

    feed("b", 115, {"default/other/app": (115, 2, 0), WEB: (115, 1, 0)})
    assert not points.reported_once("default", "web")
    assert kept() == [("", "a"), ("", "b"), ("default", "api"), ("default", "other")]
    points.forget_pod("default", "api")
    assert kept() == [("", "a"), ("", "b"), ("default", "other")]
    feed("b", 130, dropped={"default/other": "cpu is 0"})
    assert kept() == [("", "a"), ("", "b")]
    points.forget_node("b")
    assert kept() == [("", "a")]
    points.forget_node("a")
    assert not points.derived
    assert len(points.derived) == 0


def test_a_report_tells_when_its_points_changed(points, feed):
    """Whoever made something of a node's points sees by the report's revision that it is no longer the newest."""
    feed("a", 100, {WEB: (100, 1, 0), API: (100, 1, 0)})
    feed("b", 100, {"default/other/app": (100, 1, 0)})
    revisions = [(report := points.report("", "a")).revision]
    feed("b", 115, {"default/other/app": (115, 2, 0)})
    assert report.revision == revisions[-1]
    feed("a", 115, {WEB: (115, 1, 0), API: (115, 1, 0)})
    revisions.append(report.revision)
    points.forget_pod("default", "web")
    revisions.append(report.revision)
    assert len(set(revisions)) == 3
    assert points.report("", "c") is points.report("default", "none") is None


def test_the_node_that_a_pod_is_bound_to_speaks_for_it(points, feed):
    """Whatever a second kubelet reports, later or with later points; it is asked about once while two report it."""
    twice(feed, "a", WEB)
    assert points.disputed() == []
    feed("b", 130, {WEB: (130, 500, 0)})
    feed("b", 145, {WEB: (145, 545, 0)})
    assert points.disputed() == [("default", "web")]
    assert cpu_of(points) == 3_000_000_000
    points.bind("default", "web", "a")
    assert (points.disputed(), cpu_of(points)) == ([], 1_000_000_000)

    points.forget_node("b")
    feed("b", 160, {WEB: (160, 500, 0)})
    assert points.disputed() == [("default", "web")]
    points.bind("default", "web", "elsewhere")
    assert points.disputed() == []
    points.bind("default", "web", "a")
    assert cpu_of(points) == 1_000_000_000
    points.forget_pod("default", "web")
    assert points.disputed() == []
    points.bind("default", "other", "a")
    assert left_over(points)["bound"] == 0


def test_all_that_is_withheld_is_listed_with_reasons(points, feed):
    """The list is in the order of node names, each node before its pods."""
    twice(feed, "b", WEB)
    twice(feed, "a", "ns/one/app")
    feed("a", 130, {"ns/one/app": (130, 1, 128), "ns/two/app": (130, 1, 0)}, (130, 130))
    feed("c", 100, dropped={"ns/three": "cpu is 0"}, node_reason="memory is 0")

    assert list(points.withheld()) == [
        WithheldObject("Pod", "ns", "one", "container app restarted since the scrape before"),
        WithheldObject("Pod", "ns", "two", "container app was first seen in this scrape"),
        WithheldObject("Node", "", "c", "memory is 0"),
        WithheldObject("Pod", "ns", "three", "cpu is 0"),
    ]


def test_a_pod_that_another_node_serves_is_not_listed_as_withheld(points, feed):
    """What is served somewhere is not withheld, and what is withheld is listed once."""
    twice(feed, "b", WEB)
    feed("a", 100, dropped={"default/web": "cpu is 0"}, node_point=(100, 1))
    assert [entry.kind for entry in points.withheld()] == ["Node"]

    feed("b", 130, dropped={"default/web": "cpu is 0"}, node_point=(130, 130))
    assert [entry.kind for entry in points.withheld()] == ["Node", "Pod"]


def test_nothing_is_left_of_what_is_gone(points, feed):
    """After any churn of nodes and pods the store holds what a fresh one would hold of those alive."""
    for generation in range(50):
        second = generation * 15
        containers = {f"ns-{generation}/web-{generation}/app": (second, second, 0), API: (second, second, 0)}
        feed(
            f"node-{generation % 7}",
            second,
            containers,
            (second, second),
            dropped={f"x-{generation}/y": "cpu is 0"},
        )
        points.forget_pod(f"ns-{generation}", f"web-{generation}")
        points.forget_node(f"node-{(generation + 3) % 7}")
    for node in range(7):
        points.forget_node(f"node-{node}")
    assert left_over(points) == left_over(Points(resolution=15.0))

    twice(feed, "a", WEB)
    assert left_over(points) == {
        "nodes": 1,
        "pods": 1,
        "namespaces": 1,
        "counts": (1, 1, 1),
        "derived": 0,
        "bound": 0,
        "shared": 0,
    }


# --- any history --------------------------------------------------------------------------------------------

CONTAINERS = ["a/x/one", "a/x/two", "a/y/one", "b/x/one"]
PODS = sorted({tuple(container.split("/")[:2]) for container in CONTAINERS})
rows = st.tuples(
    st.sampled_from([0, 5, 9, 10, 12, 14, 15, 20, 30, 45]),  # when it was measured
    st.integers(0, 60),  # CPU core-seconds
    st.sampled_from([None, -3600, 0, 4, 12, 20]),  # when it started
)
scrapes = st.tuples(
    st.sampled_from(["node-a", "node-b"]),
    st.dictionaries(st.sampled_from(CONTAINERS), rows, max_size=4),
    st.none() | st.tuples(st.integers(0, 45), st.integers(0, 60)),
    st.sampled_from(["absorb", "absorb", "absorb", "forget node", "forget pod"]),
)
histories = st.lists(scrapes, max_size=12)


def replay(make_kubelet, history, *, remap):
    points = Points(resolution=15.0)
    kubelets = {node: make_kubelet(remap=remap) for node in ("node-a", "node-b")}
    for node, containers, node_point, action in history:
        if action == "forget node":
            points.forget_node(node)
        elif action == "forget pod":
            points.forget_pod(*PODS[0])
        else:
            points.absorb(node, kubelets[node].batch(containers, node_point), 0)
        yield points


def answers(points):
    nodes = [points.node_usage(node) for node in ("node-a", "node-b")]
    return [*nodes, *(points.pod_usage(*pod) for pod in PODS)], list(points.withheld()), left_over(points)


@settings(deadline=None, max_examples=200)
@given(history=histories)
def test_remembered_and_new_layouts_give_equal_answers(make_kubelet, history):
    """Whether a scrape takes the short way or is mapped by names, every answer and count is the same."""
    quick, slow = (replay(make_kubelet, history, remap=remap) for remap in (False, True))
    for one, other in zip(quick, slow, strict=True):
        assert answers(one) == answers(other)


@settings(deadline=None, max_examples=200)
@given(history=histories)
def test_no_impossible_number_is_ever_served(make_kubelet, history):
    """Rates and memory are whole and not negative, windows positive, and no pod is empty."""
    for points in replay(make_kubelet, history, remap=False):
        for usage in answers(points)[0]:
            if isinstance(usage, Withheld):
                assert usage.reason
                continue
            measured = usage.containers if isinstance(usage, PodUsage) else (usage,)
            numbers = [number for one in measured for number in (one.nanocores, one.memory)]
            assert numbers
            assert usage.window_ns > 0
            assert all(type(number) is int and number >= 0 for number in numbers)


@settings(deadline=None, max_examples=200)
@given(history=histories)
def test_counts_are_those_of_the_objects_held(make_kubelet, history):
    """The running counts never drift from a count of all that is held."""
    for points in replay(make_kubelet, history, remap=False):
        held = points._reports.values()
        layouts = [(report, pod) for report in held for pod in report.columns.layout.pods]
        usable = [isinstance(report.pod_usage(pod.namespace, pod.name), PodUsage) for report, pod in layouts]
        previous = [row >= -1 for report, pod in layouts for row in report.columns.previous_ms[pod.start : pod.stop]]

        assert points.node_points == sum(isinstance(report.node_usage(), NodeUsage) for report in held)
        assert points.pods_with_usage == sum(usable)
        assert points.container_points == sum(previous)


class Plain:
    """The rules for one node with plain dicts, as simple as they can be written."""

    def __init__(self):
        self.points = {}  # container -> (time, cpu, start, previous (time, cpu) or None), in nanoseconds

    def absorb(self, batch):
        before, self.points = self.points, {}
        for pod in batch.layout.pods:
            for row, name in enumerate(pod.containers, pod.start):
                time, cpu = batch.time_ms[row] * 1_000_000, batch.cpu_ns[row]
                start = batch.start_ns[row] or float("-inf")
                key = (pod.namespace, pod.name, name)
                previous = self._previous(time, start, before.get(key))
                previous = None if previous is None or previous[1] > cpu else previous
                self.points[key] = (time, cpu, start, previous)

    def _previous(self, time, start, last):
        if 10e9 <= time - start < 15e9:
            return start, 0
        if last is None or not last[2] <= start < last[0]:
            return None
        if time > last[0]:
            return last[:2]
        return last[3] if last[3] and last[3][0] < time and start == last[2] else None

    def rates(self, namespace, name):
        found = [point for key, point in sorted(self.points.items()) if key[:2] == (namespace, name)]
        if not found or not all(point[3] for point in found):
            return None
        return [int((cpu - was[1]) / ((time - was[0]) / 1e9)) for time, cpu, _, was in found]


@settings(deadline=None, max_examples=300)
@given(history=st.lists(st.dictionaries(st.sampled_from(CONTAINERS), rows, max_size=4), max_size=12))
def test_columns_answer_as_plain_dicts_do(make_kubelet, history):
    """For any history of one node, the rates are those of the rules written down the simplest way."""
    kubelet, points, plain = make_kubelet(), Points(resolution=15.0, keep=1e6), Plain()
    for number, containers in enumerate(history):
        batch = kubelet.batch(containers, (1000 + number, 1000 + number))  # later than all, so that none is ahead
        plain.absorb(batch)
        points.absorb("node", batch, number * 1000)
        for namespace, name in PODS:
            usage = points.pod_usage(namespace, name)
            actual = [one.nanocores for one in usage.containers] if isinstance(usage, PodUsage) else None
            assert actual == plain.rates(namespace, name)
