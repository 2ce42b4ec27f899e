from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.encoding import Answer, Item, encode
from kubevitals.api.encoding.protobuf import metrics_message
from kubevitals.api.negotiation import Choice, Transform
from kubevitals.model import ContainerUsage, Labels, Node, NodeUsage, Pod, PodUsage
from kubevitals.quantity import format_duration, format_time

PROTOBUF = Choice("protobuf")

Unwrap = Callable[[bytes], tuple[str, str, bytes]]
Fields = Callable[[bytes], list[tuple[int, Any]]]


def wire(answer: Answer, choice: Choice = PROTOBUF) -> bytes:
    return b"".join(encode(answer, choice))


def test_smallest_node() -> None:
    """A node without labels is, byte for byte, the shortest message that Go decoders take."""
    node = Item(Node("n1"), NodeUsage(1767225600000, 30_000_000_000, 250_000_000, 1 << 30))
    assert wire(Answer("NodeMetrics", "v1beta1", [[node]], single=True)).hex(" ") == (
        "6b 38 73 00 "  # the magic
        "0a 25 0a 16 6d 65 74 72 69 63 73 2e 6b 38 73 2e 69 6f 2f 76 31 62 65 74 61 31 "  # metrics.k8s.io/v1beta1
        "12 0b 4e 6f 64 65 4d 65 74 72 69 63 73 "  # NodeMetrics
        "12 45 "  # 69 bytes follow
        "0a 13 0a 02 6e 31 "  # the name n1
        "32 0d 31 37 36 37 32 32 35 36 30 30 30 30 30 "  # the version 1767225600000
        "12 06 08 80 f2 d6 ca 06 "  # 1767225600 s
        "1a 06 08 80 d8 8e e1 6f "  # 30000000000 ns
        "22 0d 0a 03 63 70 75 12 06 0a 04 32 35 30 6d "  # cpu 250m
        "22 0f 0a 06 6d 65 6d 6f 72 79 12 05 0a 03 31 47 69"  # memory 1Gi
    )


def test_empty_list(unwrap: Unwrap) -> None:
    """An empty list is an empty ListMeta."""
    assert unwrap(wire(Answer("PodMetrics", "v1", []))) == ("metrics.k8s.io/v1", "PodMetricsList", b"\x0a\x00")


def decoded(fields: Fields, message: bytes) -> dict[str, Any]:
    """Turn a message NodeMetrics or PodMetrics into what JSON has for the same object."""
    parts = fields(message)
    values = dict(parts)
    measured = [value for number, value in parts if number == 4]
    found = {
        "metadata": metadata(fields, values[1]),
        "timestamp": format_time(1000 * dict(fields(values[2]))[1]),
        "window": format_duration(dict(fields(values[3]))[1]),
    }
    if "namespace" in found["metadata"]:
        return {**found, "containers": [container(fields, value) for value in measured]}
    return {**found, "usage": usage_of(fields, measured)}


def container(fields: Fields, message: bytes) -> dict[str, Any]:
    (_, name), *entries = fields(message)
    return {"name": name.decode(), "usage": usage_of(fields, [value for _, value in entries])}


def usage_of(fields: Fields, entries: list[bytes]) -> dict[str, str]:
    pairs = [dict(fields(entry)) for entry in entries]
    return {pair[1].decode(): dict(fields(pair[2]))[1].decode() for pair in pairs}


def metadata(fields: Fields, message: bytes) -> dict[str, Any]:
    names = {1: "name", 3: "namespace", 6: "resourceVersion"}
    found: dict[str, Any] = {}
    for number, value in fields(message):
        if number in names:
            found[names[number]] = value.decode()
        elif number == 8:
            found["creationTimestamp"] = format_time(1000 * dict(fields(value))[1])
        elif number == 11:
            entry = dict(fields(value))
            found.setdefault("labels", {})[entry[1].decode()] = entry.get(2, b"").decode()
    return found


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
def test_list_equals_json(pod: Item, bare: Item, fields: Fields, unwrap: Unwrap, version: str) -> None:
    """Decoded protobuf and JSON of the same answer are equal."""
    answer = Answer("PodMetrics", version, [[pod, bare]], resource_version="7")
    in_json = json.loads(b"".join(encode(answer, Choice())))
    api_version, kind, message = unwrap(wire(answer))
    assert (api_version, kind) == (in_json["apiVersion"], in_json["kind"])
    list_meta, *items = fields(message)
    assert list_meta == (1, b"\x12\x017")
    assert [decoded(fields, item) for _, item in items] == in_json["items"]


def test_node_equals_json(node: Item, fields: Fields, unwrap: Unwrap) -> None:
    """Decoded protobuf and JSON of one node are equal."""
    answer = Answer("NodeMetrics", "v1", [[node]], single=True, resource_version="7")
    in_json = json.loads(b"".join(encode(answer, Choice())))
    api_version, kind, message = unwrap(wire(answer))
    assert {"kind": kind, "apiVersion": api_version, **decoded(fields, message)} == in_json


def test_long_list(pod: Item, fields: Fields, unwrap: Unwrap) -> None:
    """A list longer than one piece has a correct total length and every item."""
    answer = Answer("PodMetrics", "v1", [[pod] * 1000] * 3, resource_version="7")
    assert len([piece for piece in encode(answer, PROTOBUF) if piece]) == 4
    _, _, message = unwrap(wire(answer))
    assert fields(message)[1:] == [(2, metrics_message(pod.found, pod.usage))] * 3000


@pytest.mark.parametrize("single", [True, False])
def test_partial(pod: Item, fields: Fields, unwrap: Unwrap, single: bool) -> None:
    """Metadata alone is the same ObjectMeta under the metadata's own kind."""
    kind = "PartialObjectMetadata" if single else "PartialObjectMetadataList"
    answer = Answer("PodMetrics", "v1", [[pod]], single=single, resource_version="7")
    api_version, named, message = unwrap(wire(answer, Choice("protobuf", Transform(kind, "meta.k8s.io", "v1"))))
    assert (api_version, named) == ("meta.k8s.io/v1", kind)
    partial = message if single else fields(message)[1][1]
    whole = fields(metrics_message(pod.found, pod.usage))[0]
    assert fields(partial) == [whole]


def test_the_older_metadata_list_has_its_fields_swapped(pod: Item, fields: Fields, unwrap: Unwrap) -> None:
    """In v1beta1 of a metadata list the items are field 1 and the list's own metadata field 2."""
    answer = Answer("PodMetrics", "v1", [[pod, pod]], resource_version="7")
    transforms = [Transform("PartialObjectMetadataList", "meta.k8s.io", version) for version in ("v1", "v1beta1")]
    new, old = (fields(unwrap(wire(answer, Choice("protobuf", transform)))[2]) for transform in transforms)
    assert [number for number, _ in new] == [1, 2, 2]
    assert [number for number, _ in old] == [2, 1, 1]
    assert [content for _, content in new] == [content for _, content in old]


AMOUNTS = st.integers(0, (1 << 64) - 1)
TIMES = st.integers(0, 1 << 41)


@given(st.text(max_size=200), AMOUNTS, AMOUNTS, TIMES, st.integers(0, (1 << 63) - 1))
def test_any_pod_is_well_formed(name: str, nanocores: int, memory: int, time_ms: int, window_ns: int) -> None:
    """Whatever names and numbers, every length fits: the message splits into its fields without remainder."""
    labels = Labels(json.dumps({name: name}).encode())
    usage = PodUsage(time_ms, window_ns, (ContainerUsage(name, nanocores, memory),) * 3)
    message = metrics_message(Pod(name, name, labels, "2026-01-01T00:00:00Z"), usage)
    assert [number for number, _ in split(message)] == [1, 2, 3, 4, 4, 4]


def split(message: bytes) -> list[tuple[int, bytes]]:
    """Split a message that holds only messages."""
    found, at = [], 0
    while at < len(message):
        size = shift = 0
        number, at = message[at] >> 3, at + 1
        while True:
            byte, at = message[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        assert at + size <= len(message)
        found.append((number, message[at : at + size]))
        at += size
    return found
