"""informer.pages: the body of a list, read while it arrives."""

from __future__ import annotations

import functools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.errors import ApiServerError
from kubevitals.informer.objects import Page, decode_pod_list
from kubevitals.informer.pages import ListReader
from kubevitals.model import Labels

decode = functools.partial(decode_pod_list, labels=lambda raw: Labels(raw, json.loads(raw) if raw else {}))


def body(names, *, partial=False, **extra):
    kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"} if partial else {}
    items = [{**kind, "metadata": {"name": name, "namespace": "n", "labels": {"l": name}, **extra}} for name in names]
    head = {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "9", "continue": "c"}}
    return json.dumps({**head, "items": items}, separators=(",", ":")).encode() + b"\n"


def read(raw, *, chunk=100, piece=300):
    """Return the page and the sizes of the bodies that were decoded."""
    sizes = []

    def measured(part):
        page = decode(part)
        sizes.append(len(part))
        return page

    reader, items = ListReader(measured, piece=piece), []
    for start in range(0, len(raw), chunk):
        for some in reader.feed(raw[start : start + chunk]):
            items += some
    last = reader.finish()
    return Page(items + last.items, last.resource_version, last.continue_), sizes


_NAMES = st.lists(
    st.text(min_size=1, max_size=30) | st.sampled_from(['},{"metadata":{', "},{", '"', "]}", "\\"]), max_size=40
)


@given(_NAMES, st.booleans(), st.integers(1, 500), st.integers(10, 2000))
def test_pieces_give_the_same_list_as_the_whole(names, partial, chunk, piece):
    """However a body is cut, the list is the one that the whole body gives."""
    page, _ = read(body(names, partial=partial), chunk=chunk, piece=piece)

    assert ([pod.name for pod in page.items], page.resource_version, page.continue_) == (names, "9", "c")


@pytest.mark.parametrize("chunk", [1000, 10_000, 10_000_000])
def test_a_large_body_is_never_decoded_whole(chunk):
    """Pieces stay near the size that was asked for, however much arrives at once."""
    raw = body([f"pod-{number}" for number in range(1000)], partial=True)
    page, sizes = read(raw, chunk=chunk, piece=10_000)

    assert len(page.items) == 1000
    assert len(raw) > 100_000
    assert max(sizes) < 12_000


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"items": [{"metadata": {"name": str(n)}} for n in range(99)], "metadata": {}}, indent=1).encode(),
        b'{"items":[%b],"metadata":{"resourceVersion":"9"}}'
        % b",".join(b'{"metadata":{"name":"%d"}}' % n for n in range(99)),
        b'{"metadata":{},"items":[%b]}' % b",".join(b'{"spec":{},"metadata":{"name":"%d"}}' % n for n in range(99)),
        b'{"metadata":{},"items":[%b]}'
        % b",".join(b'{"metadata":{"name":"%d","x":[{},{"metadata":{"y":"%b"}}]}}' % (n, b"z" * n) for n in range(99)),
    ],
)
def test_another_form_is_read_all_the_same(raw):
    """With blanks, with the items first, with other fields in front, with something alike inside of items."""
    page, _ = read(raw)

    assert [pod.name for pod in page.items] == [str(number) for number in range(99)]


@pytest.mark.parametrize("cut", [1, 50, 400, 1500, 2999])
def test_half_a_list_is_no_list(cut):
    """A body cut short is refused, wherever it was cut."""
    raw = body([f"pod-{number}" for number in range(100)])
    with pytest.raises(ApiServerError):
        read(raw[: min(cut, len(raw) - 3)])


def test_a_broken_item_is_an_error_at_the_end():
    """What cannot be read in a piece cannot be read in the whole either."""
    with pytest.raises(ApiServerError):
        read(body(["a"] * 50).replace(b'"name":"a"', b'"name":1', 1))


def test_an_empty_body_is_no_list():
    """The API server always sends at least the list's head."""
    with pytest.raises(ApiServerError):
        ListReader(decode).finish()
