"""The status of scraping, for who may see it."""

from __future__ import annotations

import json

import pytest
from tests.api.whole_chain import A, World, counted_turns

from kubevitals.kube.reviews import Decision

PATH = f"{A}/scrapestatus"


async def test_it_is_one_document() -> None:
    """Valid JSON of any length, which names its kind and the version asked for."""
    world = World()
    for count in (0, 1, 200, 450):
        world.entries = [{"name": f"node-{number}"} for number in range(count)]
        answer = await world.ask(PATH)
        assert (answer.status, answer.content_type) == (200, "application/json")
        document = json.loads(answer.body)
        assert document == {
            "kind": "ScrapeStatus",
            "apiVersion": "metrics.k8s.io/v1beta1",
            "summary": "fine",
            "nodes": world.entries,
            "withheld": [],
        }
    assert json.loads((await world.ask(PATH.replace("v1beta1", "v1"))).body)["apiVersion"] == "metrics.k8s.io/v1"


async def test_whoever_may_list_it_sees_it_and_nobody_else() -> None:
    """The right is that of any resource of the group, and the API server is asked about it."""
    world = World()
    await world.ask(PATH)
    asked = json.loads(world.reviews[-1])["resourceAttributes"]
    assert (asked["group"], asked["resource"], asked["verb"]) == ("metrics.k8s.io", "scrapestatus", "list")
    world = World()
    world.allowed = lambda spec: Decision(False, False, "no RBAC policy matched")
    assert (await world.ask(PATH)).status == 403


@pytest.mark.parametrize("path", [f"{PATH}/x", f"{A}/namespaces/a/scrapestatus", f"{A}/scrapestatuses"])
async def test_nothing_else_lies_there(path: str) -> None:
    """It is one document, not a resource with names and namespaces."""
    assert (await World().ask(path)).status == 404


async def test_it_can_only_be_read() -> None:
    """Like everything else here."""
    assert (await World().ask(PATH, method="POST")).status == 405


async def test_others_have_their_turn_while_it_is_made() -> None:
    """A status of thousands of nodes does not hold up the loop."""
    world = World()
    world.entries = [{"name": f"node-{number}"} for number in range(2000)]
    world.look = 0.003
    async with counted_turns() as turns:
        await world.ask(PATH)
    assert turns() >= 5
