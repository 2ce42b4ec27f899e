"""Flags of the serving side, from the command line to what callers see."""

from __future__ import annotations

import json

from tests.whole.callers import BETA, NODES
from tests.whole.world import running


async def test_what_the_flags_say_is_in_the_answers() -> None:
    """HSTS directives and the address for clients reach every answer that has them; what has no effect is warned of."""
    flags = (
        "--strict-transport-security-directives=max-age=31536000,includeSubDomains",
        "--external-hostname=metrics.example.com",
        "--permit-address-sharing",
    )
    async with running(*flags) as world:
        master = await world.measured()
        answer = await master.ask("/apis")
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        (told,) = answer.body["groups"][0]["serverAddressByClientCIDRs"]
        assert told == {"clientCIDR": "0.0.0.0/0", "serverAddress": f"metrics.example.com:{world.port}"}


async def test_limits_of_zero_are_none() -> None:
    """Without bounds on number and time everything is served as before."""
    async with running(
        "--max-requests-inflight=0", "--max-mutating-requests-inflight=0", "--request-timeout=0"
    ) as world:
        master = await world.measured()
        assert await master.code(f"{NODES}?timeout=5s") == 200
        assert (await master.ask(NODES, method="POST")).code == 405


async def test_a_path_of_660_kilobytes_is_judged_like_any_other() -> None:
    """Over TLS too, a path that long is only a path that nobody may ask for."""
    async with running() as world:
        await world.measured()
        path = f"{BETA}/nodes/{'a' * 660_000}"
        refused, missing = await world.direct().ask(path), await world.master().ask(path)
        assert (refused.code, missing.code) == (403, 404)
        assert len(json.dumps(missing.body)) > 660_000
