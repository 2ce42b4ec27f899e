"""Creating, replacing and patching."""

from __future__ import annotations

import pytest

from kubevitals.simulator import writes
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.kinds import CONFIG_MAPS, NAMESPACES, NODES
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.status import Refused

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
ASKED = Attributes("patch", resource="configmaps", namespace="ns", name="c")


@pytest.fixture
def registry():
    made = Registry(now=lambda: 0.0)
    made.create(NAMESPACES, {"metadata": {"name": "ns"}})
    made.create(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "ns"}, "data": {"a": "1", "b": "2"}})
    return made


def test_a_patch_changes_only_what_it_names(registry):
    """Keys that the patch leaves out stay."""
    found = writes.patch(registry, CONFIG_MAPS, ASKED, b'{"data":{"a":null,"c":"3"}}', MERGE)
    assert found["data"] == {"b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"{}", "application/apply-patch+yaml", 415),
        (b"{", MERGE, 400),
        (b"{}", JSON_PATCH, 400),
        (b'[{"op":"move"}]', JSON_PATCH, 400),
        (b'[{"op":"copy","path":"/data/a"}]', JSON_PATCH, 400),
        (b'[{"op":"replace","path":"/data/z","value":"1"}]', JSON_PATCH, 422),
        (b'[{"op":"test","path":"/data/a","value":"9"}]', JSON_PATCH, 422),
        (b'{"metadata":{"name":"d"}}', MERGE, 400),
        (b'{"metadata":{"resourceVersion":"1"}}', MERGE, 409),
    ],
)
def test_patches_that_cannot_be_applied(registry, body, kind, code):
    """Unknown forms, broken JSON, another name and an old version are refused."""
    with pytest.raises(Refused) as refused:
        writes.patch(registry, CONFIG_MAPS, ASKED, body, kind)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"kind": "Pod", "metadata": {"name": "x"}}, "Pod in version v1 cannot be handled as a ConfigMap"),
        ({}, "metadata.name: Invalid value: a name is required, of letters, digits, '-' and '.'"),
        (
            {"metadata": {"name": "a/b"}},
            "metadata.name: Invalid value: a name is required, of letters, digits, '-' and '.'",
        ),
        (
            {"metadata": {"name": "x", "namespace": "other"}},
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
    ],
)
def test_objects_that_cannot_be_created(registry, item, message):
    """Another kind, no name and another namespace are refused with 400."""
    with pytest.raises(Refused) as refused:
        writes.create(registry, CONFIG_MAPS, "ns", item, lambda: 0.0)
    assert (refused.value.code, str(refused.value)) == (400, message)


def test_a_created_object_is_not_told_when_it_was_made(registry):
    """What the API server assigns cannot be sent, and null is as good as absent."""
    item = {"metadata": {"name": "n", "uid": "mine", "creationTimestamp": None, "resourceVersion": "1"}}
    made = writes.create(registry, NODES, "", item, lambda: 0.0)["metadata"]
    assert made["uid"] != "mine"
    assert made["creationTimestamp"] == "1970-01-01T00:00:00Z"


def test_a_name_can_be_generated(registry):
    """GenerateName gets an ending of five characters."""
    item = {"metadata": {"generateName": "x-"}}
    assert writes.create(registry, CONFIG_MAPS, "ns", item, lambda: 0.0)["metadata"]["name"] == "x-bbbbb"


@pytest.mark.parametrize(("body", "kind", "code"), [(b"[]", JSON, 400), (b"a: b", "application/yaml", 415)])
def test_bodies_that_are_no_objects(body, kind, code):
    """Only JSON objects are read, and the protobuf that kubectl sends."""
    with pytest.raises(Refused) as refused:
        writes.read_object(body, kind)
    assert refused.value.code == code


def test_protobuf_that_is_none_is_a_bad_request():
    """A broken protobuf body is refused as broken JSON is."""
    with pytest.raises(Refused) as refused:
        writes.read_object(b"k8s", "application/vnd.kubernetes.protobuf")
    assert refused.value.code == 400
