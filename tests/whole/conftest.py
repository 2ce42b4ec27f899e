"""The worlds that most tests of the whole use; ``world.running`` makes others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.whole import world as worlds
from tests.whole.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Three nodes and four pods, and the server beside them, which scrapes all the time and has metrics of all."""
    async with worlds.running() as world:
        await world.measured()
        yield world


@pytest.fixture
async def still() -> AsyncIterator[World]:
    """The same at rest, where scraping is not the matter: pods have metrics, nodes have none."""
    async with worlds.still() as world:
        yield world
