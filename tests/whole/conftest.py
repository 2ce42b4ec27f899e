"""The cluster that most tests of the whole use; ``world.running`` makes others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.whole.world import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Three nodes and four pods, and the server beside them, which has metrics of all of them."""
    async with running() as world:
        await world.measured()
        yield world
