"""What patches make of objects."""

from __future__ import annotations

import copy

import pytest

from kubevitals.simulator import patches
from kubevitals.simulator.status import Refused


@pytest.mark.parametrize("apply", [patches.merge, patches.strategic_merge])
@pytest.mark.parametrize(
    ("current", "change", "expected"),
    [
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": "x"}, {"a": {"b": None}}, {"a": {}}),
        ([1], "x", "x"),
    ],
)
def test_merge_patches(apply, current, change, expected):
    """A patch merges objects, removes by null and replaces the rest."""
    assert apply(current, change) == expected


def test_a_strategic_merge_patch_knows_elements_by_their_key():
    """Containers merge by name and mounts by path; what is new is added, and what is to go goes."""
    current = {"containers": [{"name": "a", "image": "x", "volumeMounts": [{"mountPath": "/t", "name": "t"}]}]}
    added = {"containers": [{"name": "a", "volumeMounts": [{"mountPath": "/ca", "name": "ca"}]}, {"name": "b"}]}
    mounts = [{"mountPath": "/t", "name": "t"}, {"mountPath": "/ca", "name": "ca"}]
    both = patches.strategic_merge(current, added)
    assert both == {"containers": [{"name": "a", "image": "x", "volumeMounts": mounts}, {"name": "b"}]}
    gone = {"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a", "$patch": "delete"}]}
    assert patches.strategic_merge(both, gone) == {"containers": [{"name": "b"}]}
    assert patches.merge(both, {"containers": [{"name": "c"}]}) == {"containers": [{"name": "c"}]}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/args/-", "value": "c"}, {"args": ["a", "b", "c"], "x/y": 1}),
        ({"op": "add", "path": "/args/0", "value": "c"}, {"args": ["c", "a", "b"], "x/y": 1}),
        ({"op": "replace", "path": "/args/1", "value": "c"}, {"args": ["a", "c"], "x/y": 1}),
        ({"op": "remove", "path": "/args/0"}, {"args": ["b"], "x/y": 1}),
        ({"op": "test", "path": "/args/0", "value": "a"}, {"args": ["a", "b"], "x/y": 1}),
        ({"op": "replace", "path": "/x~1y", "value": {"z": 2}}, {"args": ["a", "b"], "x/y": {"z": 2}}),
        ({"op": "remove", "path": "/x~1y"}, {"args": ["a", "b"]}),
    ],
)
def test_json_patches(operation, expected):
    """Each operation does its part, and leaves what it was given as it was."""
    current = {"args": ["a", "b"], "x/y": 1}
    before = copy.deepcopy(current)
    assert patches.json_patch(current, [operation]) == expected
    assert current == before


@pytest.mark.parametrize("path", ["/args/2", "/args/x", "/none", "/args/0/deeper", "/none/deeper"])
def test_a_json_patch_that_does_not_fit(path):
    """What is not there cannot be replaced, and the message names it."""
    with pytest.raises(Refused, match=path) as refused:
        patches.json_patch({"args": ["a", "b"]}, [{"op": "replace", "path": path, "value": 1}])
    assert refused.value.code == 422
