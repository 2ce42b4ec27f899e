"""``kubevitals serve`` in a hurry: it scrapes and looks once a second, which no flag allows.

What it does about a registration, a Secret or a file after minutes, it then does after seconds.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from kubevitals import logs, settings
from kubevitals.app import Server

EVERY = 1.0  # seconds


async def main() -> None:
    """Serve with the flags of the command line until SIGTERM."""
    chosen = settings.parse(sys.argv[1:])
    logs.setup(format="text", verbosity=chosen.v, stream=sys.stderr)
    server = Server(chosen, resolution=EVERY, reload_every=EVERY)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.run()


if __name__ == "__main__":
    asyncio.run(main())
