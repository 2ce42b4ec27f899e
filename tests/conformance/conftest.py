"""One cluster for all tests of a file that only read; those that change something make their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.conformance.additions import add_unmeasured
from tests.whole.world import World, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    """Three nodes and four pods with metrics, and one of each without, and the server beside them."""
    async with running(resolution=1.0) as world:
        await world.measured()
        add_unmeasured(world)
        yield world
