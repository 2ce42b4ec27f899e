"""informer.sink: where the copy of a resource is kept."""

from __future__ import annotations

from kubevitals.informer.sink import Sink


def test_a_list_is_handed_over_when_it_is_complete():
    """Whoever takes lists whole gets one call, with the items of every page, at the first step."""
    calls = []
    stage = Sink(calls.append, calls.append, calls.append).begin()
    stage.add([1, 2])
    stage.add([3])
    steps = stage.commit()
    before = list(calls)
    next(steps)

    assert (before, calls) == ([], [[1, 2, 3]])


def test_every_list_begins_empty():
    """What is left of a list that broke off does not get into the next one."""
    calls = []
    sink = Sink(calls.append, calls.append, calls.append)
    sink.begin().add([1])
    list(sink.begin().commit())

    assert calls == [[]]
