"""Columns of points: swapped where names stay, mapped by name where they change."""

from __future__ import annotations

import pytest

from kubevitals.store import previous
from kubevitals.store.columns import NO_COLUMNS, follow, rows_before

RESOLUTION_NS = 15_000_000_000
A, B, C = "ns/a/app", "ns/b/app", "ns/c/app"


def absorb(kubelet, *scrapes):
    columns, batches = NO_COLUMNS, []
    for containers in scrapes:
        batches.append(kubelet.batch(containers))
        columns = follow(columns, batches[-1], RESOLUTION_NS)
    return columns, batches


def test_the_arrays_of_a_steady_scrape_are_swapped_not_copied(kubelet):
    """While names and starts stay, the last columns become the previous ones as they are."""
    columns, (_, last, batch) = absorb(kubelet, *({A: (t, t, 0), B: (t, t, 0)} for t in (100, 115, 130)))

    assert columns.previous_ms is last.time_ms
    assert columns.previous_cpu_ns is last.cpu_ns
    assert columns.time_ms is batch.time_ms
    assert (columns.containers, columns.pods) == (2, 2)


def test_one_stale_row_leaves_the_others_on_the_columns(kubelet):
    """A container that was not measured anew keeps its previous point while its neighbours move on."""
    columns, (first, second, third) = absorb(
        kubelet,
        {A: (100, 1, 0), B: (100, 1, 0)},
        {A: (115, 2, 0), B: (115, 2, 0)},
        {A: (130, 3, 0), B: (115, 2, 0)},
    )

    assert columns.previous_ms.tolist() == [second.time_ms[0], first.time_ms[1]]
    assert columns.previous_cpu_ns.tolist() == [second.cpu_ns[0], first.cpu_ns[1]]
    assert columns.time_ms is third.time_ms


def test_a_stale_row_leaves_the_last_columns_as_they_were(kubelet):
    """Columns once made do not change, so that a reader may keep them."""
    columns, (_, last) = absorb(kubelet, *({A: (t, t, 0), B: (t, t, 0)} for t in (100, 115)))
    times, marks = last.time_ms[:], columns.previous_ms[:]
    follow(columns, kubelet.batch({A: (130, 130, 0), B: (115, 115, 0)}), RESOLUTION_NS)

    assert columns.time_ms == times
    assert columns.previous_ms == marks


def test_rows_find_their_container_after_names_changed(kubelet):
    """A container keeps its previous point when others come and go around it."""
    columns, (last, _) = absorb(
        kubelet, {A: (100, 1, 0), B: (100, 2, 0)}, {B: (115, 3, 0), C: (115, 9, 0), "ns/b/new": (115, 1, 0)}
    )

    assert columns.previous_ms.tolist() == [last.time_ms[1], previous.FIRST_SEEN, previous.FIRST_SEEN]
    assert columns.previous_cpu_ns.tolist() == [last.cpu_ns[1], 0, 0]
    assert (columns.containers, columns.pods) == (1, 0)


def test_a_restart_among_steady_rows_is_seen(kubelet):
    """A changed start time is looked at even when every time and counter grew."""
    columns, _ = absorb(kubelet, {A: (100, 1, 0)}, {A: (115, 2, 0)}, {A: (130, 3, 128)})

    assert columns.previous_ms.tolist() == [previous.RESTARTED]


def test_a_fresh_container_is_not_swapped(kubelet):
    """A container that is fresh is measured from its start although a last point is at hand."""
    columns, _ = absorb(kubelet, {A: (3, 1, 0)}, {A: (11, 2, 0)})

    assert columns.previous_ms.tolist() == [previous.FROM_START]


def test_a_scrape_without_containers_leaves_none(kubelet):
    """What a scrape does not mention is gone."""
    columns, _ = absorb(kubelet, {A: (100, 1, 0)}, {})

    assert columns.layout.rows == len(columns.time_ms) == len(columns.previous_ms) == 0
    assert (columns.containers, columns.pods) == (0, 0)


def test_a_pod_taken_out_is_no_longer_counted(kubelet):
    """Columns without a pod keep the rows of the others where they were."""
    columns, _ = absorb(kubelet, *({A: (t, t, 0), B: (t, t, 0), C: (t, t, 0)} for t in (100, 115)))
    rest = columns.without(1)

    assert [pod.name for pod in rest.layout.pods] == ["a", "c"]
    assert (rest.containers, rest.pods) == (2, 2)
    assert rest.point(rest.layout.pods[1].start) == columns.point(2)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([A, B], [A, B], [0, 1]),
        ([A, B], [B, C], [1, -1]),
        ([], [A], [-1]),
        ([A], [], []),
        (["ns/a/x", "ns/a/z"], ["ns/a/x", "ns/a/y", "ns/a/z"], [0, -1, 1]),
        (["n1/a/app"], ["n2/a/app"], [-1]),
    ],
)
def test_rows_before_are_found_by_namespace_pod_and_container(make_kubelet, old, new, expected):
    """A row's predecessor is the row of the container with the same three names."""
    layouts = [make_kubelet().batch(dict.fromkeys(names, (1, 1, 0))).layout for names in (old, new)]

    assert list(rows_before(*layouts)) == expected
