"""What metrics-server answers for a history of scrapes, and the two histories that are answered better."""

from __future__ import annotations

import pytest

from kubevitals.model import ContainerUsage, NodeUsage, PodUsage, Withheld
from kubevitals.store.points import Points

APP = "default/web/app"
SIDECAR = "default/web/sidecar"


class History:
    """One node's scrapes, absorbed one after the other."""

    def __init__(self, kubelet, resolution=15.0):
        self.points = Points(resolution=resolution)
        self._kubelet = kubelet

    def scrape(self, containers=None, node=None, at=0.0, **more):
        self.points.absorb("worker", self._kubelet.batch(containers or {}, node, **more), self.ms(at))
        return self

    def ms(self, seconds):
        return self._kubelet.EPOCH_MS + round(seconds * 1000)

    @property
    def node(self):
        return self.points.node_usage("worker")

    @property
    def pod(self):
        return self.points.pod_usage("default", "web")


@pytest.fixture
def history(kubelet):
    return History(kubelet)


def seconds(number):
    return round(number * 1_000_000_000)


def test_example_1_two_scrapes_give_a_rate(history):
    """A node's rate is the CPU time between two scrapes over the time between them."""
    history.scrape(node=(100.0, 4.710169, 12533760)).scrape(node=(115.012, 4.833912, 12533760))

    assert history.node == NodeUsage(history.ms(115.012), seconds(15.012), 8242938, 12533760)


def test_example_2_the_same_scrape_twice_is_one_point(history):
    """A scrape with the timestamps of the one before is nothing to compute a rate from."""
    for _ in range(2):
        history.scrape({APP: (100, 1, 0)}, node=(100, 1))

    assert history.node == Withheld("the node has no measurement newer than those before")
    assert history.pod == Withheld("container app has no measurement newer than those before")
    assert (history.points.node_points, history.points.container_points) == (0, 0)


def test_example_3_a_late_point_is_compared_with_the_one_before_the_last(history):
    """A point older than the last one, yet newer than the one before that, takes the last one's place."""
    for second, cpu in ((115, 10), (125, 50), (120, 35)):
        history.scrape({APP: (second, cpu, None)}, node=(second, cpu))

    assert history.node == NodeUsage(history.ms(120), seconds(5), 5_000_000_000, 4096)
    assert history.pod == PodUsage(history.ms(120), seconds(5), (ContainerUsage("app", 5_000_000_000, 1024),))


def test_example_4_a_point_older_than_all_others_has_no_rate(history):
    """A clock that was set back starts anew, and the scrape after that is counted from there."""
    for second, cpu in ((1115, 10), (1125, 50), (115, 60)):
        history.scrape({APP: (second, cpu, None)}, node=(second, cpu))

    assert history.node == Withheld("the node was measured by a clock that has jumped since the scrape before")
    assert history.pod == Withheld("container app was measured by a clock that has jumped since the scrape before")

    history.scrape({APP: (130, 75, None)}, node=(130, 75))

    assert history.node == NodeUsage(history.ms(130), seconds(15), 1_000_000_000, 4096)


def test_example_5_a_fresh_container_is_measured_from_its_start(history):
    """A container that started 10 s to one resolution ago has a rate at first sight."""
    history.scrape({APP: (12.25, 0.734, 0)})

    assert history.pod == PodUsage(history.ms(12.25), seconds(12.25), (ContainerUsage("app", 59918367, 1024),))


def test_example_6_a_container_younger_than_ten_seconds_waits_for_the_next_scrape(history):
    """A container too young to be fresh is measured from its first point."""
    history.scrape({APP: (9, 1, 0)})
    assert history.pod == Withheld("container app was first seen in this scrape")

    history.scrape({APP: (24, 4, 0)})
    assert history.pod == PodUsage(history.ms(24), seconds(15), (ContainerUsage("app", 200_000_000, 1024),))


def test_example_7_an_old_container_waits_for_the_second_scrape(history):
    """A container that ran for longer than a resolution is not measured from its start."""
    history.scrape({APP: (120, 600, 0)})
    assert history.pod == Withheld("container app was first seen in this scrape")

    history.scrape({APP: (135, 615, 0)})
    assert history.pod == PodUsage(history.ms(135), seconds(15), (ContainerUsage("app", 1_000_000_000, 1024),))


def test_example_8_a_restarted_container_is_measured_from_its_new_start(kubelet):
    """A restart between two scrapes does not hide a container that is fresh by now."""
    history = History(kubelet, resolution=60.0)
    history.scrape({APP: (10, 3, 0)}).scrape({APP: (25, 5, 15)})

    assert history.pod == PodUsage(history.ms(25), seconds(10), (ContainerUsage("app", 500_000_000, 1024),))


def test_example_9_a_container_just_restarted_withholds_its_pod(history):
    """A container that restarted seconds ago has no rate, and so its pod has no sum."""
    both = {APP: (100, 10, 0), SIDECAR: (100, 10, 0)}
    history.scrape(both).scrape({APP: (115, 1, 111), SIDECAR: (115, 11, 0)})

    assert history.pod == Withheld("container app restarted since the scrape before")


def test_example_10_a_container_first_seen_withholds_its_pod_for_one_scrape(history):
    """A pod is never shown as the sum of some of its containers."""
    history.scrape({APP: (100, 10, 0)})
    history.scrape({APP: (115, 25, 0), SIDECAR: (115, 2, 50)})
    assert history.pod == Withheld("container sidecar was first seen in this scrape")

    history.scrape({APP: (130, 40, 0), SIDECAR: (130, 17, 50)})
    assert history.pod == PodUsage(
        history.ms(130),
        seconds(15),
        (ContainerUsage("app", 1_000_000_000, 1024), ContainerUsage("sidecar", 1_000_000_000, 1024)),
    )


def test_example_11_a_counter_that_goes_back_counts_as_a_restart(history):
    """Less CPU time than before withholds pod and node for one scrape; no pod is shown without containers."""
    history.scrape({APP: (100, 20, 0)}, node=(100, 20)).scrape({APP: (115, 10, 0)}, node=(115, 10))

    assert history.pod == Withheld("container app has a CPU counter that went back, as after a restart")
    assert history.node == Withheld("the node has a CPU counter that went back, as after a restart")

    history.scrape({APP: (130, 25, 0)}, node=(130, 25))

    assert history.pod == PodUsage(history.ms(130), seconds(15), (ContainerUsage("app", 1_000_000_000, 1024),))
    assert history.node == NodeUsage(history.ms(130), seconds(15), 1_000_000_000, 4096)


def test_example_12_a_missed_scrape_hides_nothing(history):
    """A node that misses a scrape keeps its points, and the next scrape is computed across the gap."""
    history.scrape({APP: (100, 10, 0)}, node=(100, 10), at=100)
    history.scrape({APP: (115, 25, 0)}, node=(115, 25), at=115)
    before = history.node, history.pod
    history.points.expire(history.ms(130))

    assert (history.node, history.pod) == before
    assert (history.points.node_points, history.points.container_points) == (1, 1)

    history.scrape({APP: (145, 55, 0)}, node=(145, 55), at=145)

    assert history.node == NodeUsage(history.ms(145), seconds(30), 1_000_000_000, 4096)
    assert history.pod == PodUsage(history.ms(145), seconds(30), (ContainerUsage("app", 1_000_000_000, 1024),))


def test_example_12_points_are_kept_for_three_resolutions_and_no_longer(history):
    """A node that was not scraped for longer than three resolutions is dropped with all its pods."""
    for second in (100, 115):
        history.scrape({APP: (second, second, 0)}, node=(second, second), at=second)

    history.points.expire(history.ms(160))
    assert isinstance(history.node, NodeUsage)

    history.points.expire(history.ms(160.001))
    assert history.node == Withheld("the node was not scraped successfully in the last 45 seconds")
    assert history.pod == Withheld("no kubelet reported the pod in the last 45 seconds")
    assert (history.points.node_points, history.points.container_points) == (0, 0)


def test_example_13_a_pod_has_the_time_of_the_container_measured_earliest(history):
    """Time and window of a pod are those of the container with the earliest last point."""
    history.scrape({APP: (115, 10, None), SIDECAR: (110, 10, None)})
    history.scrape({APP: (125, 20, None), SIDECAR: (120, 20, None)})
    history.scrape({APP: (140, 30, None), SIDECAR: (130, 30, None)})

    assert history.pod == PodUsage(
        history.ms(130),
        seconds(10),
        (ContainerUsage("app", 666_666_666, 1024), ContainerUsage("sidecar", 1_000_000_000, 1024)),
    )


def test_example_13_of_two_containers_measured_together_the_smaller_window_counts(history):
    """A tie between containers is settled the same way every time."""
    history.scrape({APP: (110, 10, None), SIDECAR: (105, 10, None)})
    history.scrape({APP: (120, 20, None), SIDECAR: (120, 25, None)})

    assert (history.pod.time_ms, history.pod.window_ns) == (history.ms(120), seconds(10))


def test_example_14_a_window_from_the_start_is_exact_to_the_nanosecond(history, kubelet):
    """A start time is known to the nanosecond, and so is the window that begins there."""
    batch = kubelet.batch({APP: (0, 1.5, 0)})
    batch.start_ns[0], batch.time_ms[0] = 1_633_253_800_122_999_808, 1_633_253_812_125
    history.points.absorb("worker", batch, 1_633_253_812_200)

    assert history.pod.window_ns == 12_002_000_192
    assert history.pod.containers == (ContainerUsage("app", 124_979_168, 1024),)
