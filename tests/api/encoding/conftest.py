from __future__ import annotations

from collections.abc import Callable

import pytest

from kubevitals.api.encoding import Item
from kubevitals.model import ContainerUsage, Labels, Node, NodeUsage, Pod, PodUsage

LABELS = Labels(b'{"app":"shop","tier":"1"}', {"app": "shop", "tier": "1"})
CREATED = "2026-01-01T00:00:31Z"

Fields = list[tuple[int, int | bytes]]


@pytest.fixture
def node() -> Item:
    """A node with a quarter of a core and 12240 KiB over 10.01 s."""
    return Item(Node("n1", LABELS, CREATED), NodeUsage(1767225600999, 10_010_000_000, 250_000_000, 12533760))


@pytest.fixture
def pod() -> Item:
    """A pod of two containers over 15.003 s."""
    app, proxy = ContainerUsage("app", 12345678, 67108864), ContainerUsage("proxy", 1500000, 2147483649)
    return Item(Pod("default", "shop-1", LABELS, CREATED), PodUsage(1767225600500, 15_003_000_000, (app, proxy)))


@pytest.fixture
def bare() -> Item:
    """A pod of which no label and no creation time is known."""
    usage = PodUsage(1767225600000, 60_000_000_000, (ContainerUsage("c", 2_000_000_000, 0),))
    return Item(Pod("kube-system", "dns"), usage)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(data: bytes) -> Fields:
    found: Fields = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 0:
            found.append((key >> 3, value))
            continue
        assert key & 7 == 2, "only integers and lengths occur"
        assert at + value <= len(data), "a length points beyond its message"
        found.append((key >> 3, data[at : at + value]))
        at += value
    return found


@pytest.fixture
def fields() -> Callable[[bytes], Fields]:
    """Splits a protobuf message into (number, integer or bytes)."""
    return _fields


@pytest.fixture
def unwrap() -> Callable[[bytes], tuple[str, str, bytes]]:
    """Takes an object out of its envelope: apiVersion, kind and message."""

    def unwrapped(data: bytes) -> tuple[str, str, bytes]:
        assert data[:4] == b"k8s\0"
        envelope = dict(_fields(data[4:]))
        meta = dict(_fields(envelope[1]))  # type: ignore[arg-type]
        return meta.get(1, b"").decode(), meta[2].decode(), envelope[2]  # type: ignore[union-attr, return-value]

    return unwrapped
