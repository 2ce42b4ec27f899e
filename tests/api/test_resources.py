from __future__ import annotations

import gzip
import json

from tests.api.whole_chain import DB, T0, WEB, A, World, batch, counted_turns

from kubevitals.api.encoding import Answer, encode
from kubevitals.api.list_options import list_options
from kubevitals.api.negotiation import Choice
from kubevitals.api.request import Attributes
from kubevitals.api.resources import Resources
from kubevitals.model import Batch, Labels, Layout, Node, Pod, PodRows
from kubevitals.selectors import parse_labels
from kubevitals.store.inventory import Inventory
from kubevitals.store.points import Points

JSON, PROTOBUF = Choice(), Choice("protobuf")


def listed(world: World, resource: str, **query: str) -> Answer:
    """What a list of a resource is answered with."""
    resources = Resources(world.inventory, world.points, parse_labels(""))
    found = resources.list_of(Attributes("list", "/", True, resource=resource, version="v1"), list_options(query))
    assert isinstance(found, Answer)
    return found


def items(answer: Answer) -> list[object]:
    """All items, one by one."""
    return [item for some in answer.slices for item in some]


def test_an_item_is_made_once_for_a_measurement() -> None:
    """Every answer between two scrapes has the same item, and the next scrape brings another."""
    world = World()
    first, again = items(listed(world, "pods")), items(listed(world, "pods"))
    assert len(first) == 2
    assert [id(item) for item in first] == [id(item) for item in again]
    world.points.absorb("n1", batch(30, 2), T0 + 30_000)
    assert not {id(item) for item in first} & {id(item) for item in items(listed(world, "pods"))}


def test_an_object_that_changes_is_shown_at_once() -> None:
    """New labels are in the next answer although nothing was measured since."""
    world = World()
    assert b'"app":"web"' in b"".join(encode(listed(world, "pods"), JSON))
    world.inventory.upsert_pod(Pod("shop", "web-0", Labels(b'{"app":"shop"}')))
    text = b"".join(encode(listed(world, "pods"), JSON))
    assert b'"app":"web"' not in text
    assert b'"app":"shop"' in text


def test_what_is_read_is_rendered_ahead() -> None:
    """After a scrape the forms that were asked for before are there, and those alone; unread twice, they are not."""
    world = World()
    resources = Resources(world.inventory, world.points, parse_labels(""))

    def scrape(seconds: int) -> None:
        world.points.absorb("n1", batch(seconds, 2), T0 + seconds * 1000)
        resources.renew("n1")

    expected = list(encode(listed(world, "pods"), JSON))
    scrape(30)
    kept = [world.points.derived.of(namespace)[name] for namespace, name in (("data", "db-0"), ("shop", "web-0"))]
    assert len(world.points.derived) == 2
    assert all(item.json(lambda *_: b"rendered late") != b"rendered late" for item in kept)
    assert all(item.protobuf(lambda *_: b"rendered late") == b"rendered late" for item in kept)
    world.points.absorb("n1", batch(30, 2), T0 + 30_000)
    assert b"".join(encode(listed(world, "pods"), JSON)) != b"".join(expected)

    scrape(45)
    scrape(60)
    assert not world.points.derived


def test_a_pod_that_two_nodes_report_is_made_anew_each_time() -> None:
    """Which of two nodes speaks for a pod can change with either's scrape, so nothing is kept of it while both do."""
    world = World()
    [_, before] = items(listed(world, "pods"))
    world.points.absorb("n2", batch(16, 3), T0 + 16_000)
    world.points.absorb("n2", batch(31, 3), T0 + 31_000)
    [_, one] = items(listed(world, "pods"))
    [_, other] = items(listed(world, "pods"))
    assert len({id(item) for item in (before, one, other)}) == 3
    assert one.usage == other.usage != before.usage  # type: ignore[attr-defined]
    assert not world.points.derived

    world.points.forget_node("n2")
    [db, back] = items(listed(world, "pods"))
    assert back.usage == before.usage  # type: ignore[attr-defined]
    assert [id(item) for item in items(listed(world, "pods"))] == [id(db), id(back)]


def test_a_usage_outlives_its_renderings() -> None:
    """An item that was rendered, and gave its usage up for that, still tells it to a Table."""
    world = World()
    before = [(item.usage, item.time_ms) for item in items(listed(world, "pods"))]  # type: ignore[attr-defined]
    b"".join(encode(listed(world, "pods"), JSON))
    b"".join(encode(listed(world, "pods"), PROTOBUF))
    assert [(item.usage, item.time_ms) for item in items(listed(world, "pods"))] == before  # type: ignore[attr-defined]


def test_labels_that_many_pods_share_are_judged_once() -> None:
    """However many pods there are, a selector looks at each set of labels once, and at no pod of another namespace."""
    asked: list[Labels] = []

    class Counting(Labels):
        @property
        def pairs(self):  # type: ignore[no-untyped-def]
            asked.append(self)
            return super().pairs

    inventory, points = Inventory(), Points(resolution=15.0)
    web, db = Counting(WEB.json), Counting(DB.json)
    inventory.replace_pods([Pod("a", f"p{number:03}", web if number % 2 else db) for number in range(600)])
    inventory.upsert_pod(Pod("b", "other", Counting(b'{"x":"y"}')))
    resources = Resources(inventory, points, parse_labels(""))
    options = list_options({"labelSelector": "app!=mail"})
    list(resources.list_of(Attributes("list", "/", True, resource="pods", namespace="a"), options).slices)
    assert asked == [db, web]


class Crowd(World):
    """A World with so many pods that a list of them is streamed."""

    def __init__(self, pods: int = 4000) -> None:
        super().__init__()
        names = [f"p-{number:04}" for number in range(pods)]
        self.inventory.replace_nodes([Node("big")])
        self.inventory.replace_pods([Pod("crowd", name, WEB) for name in names])
        rows = tuple(PodRows("crowd", name, number, number + 1, ("app",)) for number, name in enumerate(names))
        for seconds in (0, 15):
            one = batch(seconds, 1)
            columns = (one.time_ms[:1] * pods, one.cpu_ns[:1] * pods, one.memory[:1] * pods, one.start_ns[:1] * pods)
            self.points.absorb("big", Batch(Layout(rows, pods), *columns), T0 + seconds * 1000)


async def test_a_large_list_is_sent_while_it_is_made() -> None:
    """The answer begins before its last pod was looked at, and others have their turn in between."""
    world = Crowd()
    world.look = 0.003
    async with counted_turns() as turns:
        answer = await world.begin(f"{A}/pods")
        seen = sum(map(len, world.served))
        assert answer.rest is not None
        body = b"".join([*answer.chunks, *[chunk async for chunk in answer.rest]])
    assert 0 < seen < 4000 == sum(map(len, world.served))
    assert len(json.loads(body)["items"]) == 4000
    assert turns() >= 8


async def test_an_answer_that_is_made_in_no_time_waits_for_nobody() -> None:
    """A turn of the others may take as long as the answer; it is due only where they have waited."""
    world = Crowd(pods=500)
    async with counted_turns() as turns:
        await world.ask(f"{A}/pods")
    assert turns() <= 1


async def test_a_large_list_is_the_same_in_every_coding() -> None:
    """Streamed gzip unpacks to the same bytes, and protobuf tells the right length."""
    world = Crowd()
    plain, packed = await world.ask(f"{A}/pods"), await world.ask(f"{A}/pods", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5
    message = (await world.ask(f"{A}/pods", Accept="application/vnd.kubernetes.protobuf")).body
    assert message.count(b"\n\x06p-") == 4000


async def test_a_list_counts_as_in_flight_until_it_was_sent() -> None:
    """A caller that takes its time with a long list takes one of the places that there are, and is counted once."""
    world = Crowd()
    answer = await world.begin(f"{A}/pods")
    world.clock += 2.5
    assert world.chain.in_flight.peaks()["readOnly"] == 1
    assert b"apiserver_request_total{" not in world.telemetry.render()
    for told in answer.sent:
        told(12345)
    world.clock += 2.5
    assert world.chain.in_flight.peaks()["readOnly"] == 0
    text = world.telemetry.render().decode()
    counted = [line for line in text.splitlines() if line.startswith("apiserver_response_sizes_sum{")]
    assert [line.rpartition(" ")[2] for line in counted] == ["12345"]
