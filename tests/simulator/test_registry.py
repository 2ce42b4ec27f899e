"""The registry: versions, pages, the log of changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.simulator.kinds import CONFIG_MAPS, NAMESPACES, NODES, PODS
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.status import Refused


@pytest.fixture
def registry():
    made = Registry(now=lambda: 1_700_000_000.0, window=5)
    made.create(NAMESPACES, {"metadata": {"name": "default"}})
    return made


def config(name, **data):
    return {"metadata": {"name": name, "namespace": "default"}, "data": data}


def wanted(item):
    return True


def test_a_created_object_gets_what_the_api_server_assigns(registry):
    """A new object has a uid, a creation time and a version that is the registry's."""
    made = registry.create(CONFIG_MAPS, config("a"))["metadata"]
    assert made["resourceVersion"] == str(registry.version)
    assert made["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert len(made["uid"]) == 36


def test_every_change_has_a_version_of_its_own(registry):
    """Versions grow over all resources, deletions included."""
    seen = [registry.version]
    registry.create(CONFIG_MAPS, config("a"))
    seen.append(registry.version)
    registry.create(NODES, {"metadata": {"name": "n"}})
    seen.append(registry.version)
    gone = registry.delete(CONFIG_MAPS, "a", "default")
    assert seen == sorted(set(seen))
    assert int(gone["metadata"]["resourceVersion"]) == registry.version > seen[-1]


def test_an_update_keeps_identity_and_refuses_an_old_version(registry):
    """An update keeps uid and creation time; one that was read before another update is a conflict."""
    first = registry.create(CONFIG_MAPS, config("a"))
    second = registry.update(CONFIG_MAPS, {**first, "data": {"x": "1"}})
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    with pytest.raises(Refused) as refused:
        registry.update(CONFIG_MAPS, {**first, "data": {}})
    assert (refused.value.code, refused.value.status["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        (lambda r: r.get(NODES, "x"), 404, 'nodes "x" not found'),
        (lambda r: r.delete(CONFIG_MAPS, "x", "default"), 404, 'configmaps "x" not found'),
        (lambda r: r.update(CONFIG_MAPS, config("x")), 404, 'configmaps "x" not found'),
        (lambda r: r.create(NAMESPACES, {"metadata": {"name": "default"}}), 409, 'namespaces "default" already exists'),
        (
            lambda r: r.create(PODS, {"metadata": {"name": "p", "namespace": "no"}}),
            404,
            'namespaces "no" not found',
        ),
    ],
)
def test_refusals_are_worded_as_kubernetes_words_them(registry, act, code, message):
    """What does not exist, and what exists already, is refused in Kubernetes' words."""
    with pytest.raises(Refused) as refused:
        act(registry)
    assert (refused.value.code, str(refused.value)) == (code, message)


def test_objects_are_never_changed_in_place(registry):
    """What a reader holds stays as it was when it was read."""
    first = registry.create(CONFIG_MAPS, config("a", x="1"))
    registry.apply(CONFIG_MAPS, config("a", x="2"))
    assert first["data"] == {"x": "1"}
    assert registry.get(CONFIG_MAPS, "a", "default")["data"] == {"x": "2"}


def test_the_log_tells_what_changed_since_a_version(registry):
    """The changes after a version come in order, with what was there before."""
    start = registry.version
    registry.create(CONFIG_MAPS, config("a"))
    registry.apply(CONFIG_MAPS, config("a", x="1"))
    registry.delete(CONFIG_MAPS, "a", "default")
    events = registry[CONFIG_MAPS].since(start)
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event.previous is None for event in events] == [True, False, False]
    assert registry[CONFIG_MAPS].since(events[1].version) == events[2:]


def test_a_past_beyond_the_window_is_gone(registry):
    """A log holds its window of changes at least, and refuses what is older than it holds."""
    start = registry.version
    for i in range(12):
        registry.create(CONFIG_MAPS, config(f"c{i:02d}"))
    assert len(registry[CONFIG_MAPS].since(registry.version - 5)) == 5
    with pytest.raises(Refused) as refused:
        registry[CONFIG_MAPS].since(start)
    assert refused.value.code == 410
    assert str(refused.value).startswith(f"too old resource version: {start} (")


def test_forgetting_refuses_every_past_and_tells_the_watchers(registry):
    """After a compaction only the present can be watched from."""
    told = []
    registry[NODES].listeners.append(told.append)
    before = registry.version
    registry.forget()
    with pytest.raises(Refused):
        registry[NODES].since(before)
    assert registry[NODES].since(registry.version) == []
    assert told == [None]


def test_pages_show_the_list_as_it_was_at_the_first_page(registry):
    """Objects made, changed or deleted between two pages do not show in the second."""
    for name in "bdfh":
        registry.create(CONFIG_MAPS, config(name))
    first = registry[CONFIG_MAPS].page(registry.version, "", 2, wanted)
    registry.create(CONFIG_MAPS, config("e"))
    registry.delete(CONFIG_MAPS, "f", "default")
    second = registry[CONFIG_MAPS].page(first.version, first.rest, 2, wanted)
    names = [item["metadata"]["name"] for item in (*first.items, *second.items)]
    assert (names, first.remaining, second.rest) == (["b", "d", "f", "h"], 2, "")


def test_a_page_of_a_forgotten_list_is_refused(registry):
    """A continue token from before a compaction is expired."""
    for name in "ab":
        registry.create(CONFIG_MAPS, config(name))
    first = registry[CONFIG_MAPS].page(registry.version, "", 1, wanted)
    registry.forget()
    with pytest.raises(Refused) as refused:
        registry[CONFIG_MAPS].page(first.version, first.rest, 1, wanted)
    assert (refused.value.code, refused.value.status["reason"]) == (410, "Expired")


@given(names=st.sets(st.text("abc", min_size=1, max_size=4), max_size=20), limit=st.integers(1, 7))
def test_pages_together_are_the_list(names, limit):
    """Pages of any size together are all objects, each once, in key order."""
    registry = Registry(now=lambda: 0.0)
    for name in names:
        registry.create(NODES, {"metadata": {"name": name}})
    found, page = [], registry[NODES].page(registry.version, "", limit, wanted)
    found += page.items
    while page.rest:
        page = registry[NODES].page(page.version, page.rest, limit, wanted)
        found += page.items
    assert [item["metadata"]["name"] for item in found] == sorted(names)


def test_a_namespace_takes_what_it_holds_with_it(registry):
    """Deleting a namespace deletes its objects."""
    registry.create(CONFIG_MAPS, config("a"))
    registry.delete(NAMESPACES, "default")
    assert len(registry[CONFIG_MAPS]) == 0
