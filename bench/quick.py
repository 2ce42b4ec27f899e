"""``kubevitals serve`` with a resolution shorter than its flags allow, so that the benchmark can be tested quickly."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence

from kubevitals import settings
from kubevitals.app import Server


async def serve(resolution: float, flags: Sequence[str]) -> None:
    """Serve until SIGTERM.

    Args:
        resolution: seconds.
        flags: as ``kubevitals serve`` takes them.
    """
    server = Server(settings.parse(flags), resolution=resolution)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.run()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2:]))
