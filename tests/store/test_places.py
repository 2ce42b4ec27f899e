"""Which nodes report a pod."""

from __future__ import annotations

from kubevitals.store.places import Places

WEB, DB = ("default", "web"), ("data", "db")


def test_the_pods_of_a_node_share_its_tuple():
    """An entry costs no object of its own while one node reports the pod."""
    places, place = Places(), ("node-a",)
    places.add([WEB, DB], place)

    assert places.of(*WEB) is places.of(*DB) is place


def test_two_nodes_are_told_in_name_order():
    """Who came first does not show."""
    places = Places()
    places.add([WEB], ("node-b",))
    places.add([WEB], ("node-a",))

    assert places.of(*WEB) == ("node-a", "node-b")


def test_a_node_that_stops_reporting_leaves_the_others():
    """A pod is known for as long as one node reports it."""
    places = Places()
    places.add([WEB], ("node-a",))
    places.add([WEB], ("node-b",))
    places.discard([WEB], ("node-a",))

    assert places.of(*WEB) == ("node-b",)


def test_the_last_pod_takes_its_namespace_along():
    """Nothing is left of pods that are gone; unknown pods are ignored."""
    places = Places()
    places.add([WEB, DB], ("node-a",))
    places.discard([WEB, DB, ("no", "such")], ("node-a",))

    assert len(places) == 0
    assert places.of(*WEB) == ()
    assert vars(places) == vars(Places())


def test_a_pod_that_is_gone_leaves_its_neighbours():
    """Only the pods named are discarded."""
    places = Places()
    places.add([WEB, ("default", "api")], ("node-a",))
    places.discard([WEB], ("node-a",))

    assert places.of("default", "api") == ("node-a",)
    assert len(places) == 1
