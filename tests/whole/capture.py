"""What the server logs, as tests read it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.whole.waiting import eventually

from kubevitals import logs

Line = dict[str, Any]
TROUBLE = ("warning", "error")
# What a scrape may fail with because this machine is busy with other tests.
BUSY = ("timeout_connect", "timeout_tls", "timeout_headers", "timeout_body", "queued")


class Log:
    """The lines so far, oldest first, each as the mapping that its JSON is."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def lines(self, msg: str = "", **pairs: object) -> list[Line]:
        """The lines with this message, if one is given, and these pairs."""
        everything = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [
            line
            for line in everything
            if (not msg or line["msg"] == msg) and all(line.get(key) == value for key, value in pairs.items())
        ]

    def troubles(self) -> list[Line]:
        """The lines that a person is to read, but for those about a machine that is busy."""
        return [line for line in self.lines() if line["level"] in TROUBLE and line.get("cause") not in BUSY]

    async def line(self, msg: str, **pairs: object) -> Line:
        """Wait for such a line, and return the first."""
        return (await eventually(lambda: self.lines(msg, **pairs)))[0]


@contextmanager
def captured() -> Iterator[Log]:
    """Log to memory for the time of a with block."""
    log = Log()
    root = logging.getLogger()
    before = list(root.handlers)
    logs.setup(format="json", verbosity=0, stream=log.stream)
    try:
        yield log
    finally:
        for handler in [handler for handler in root.handlers if handler not in before]:
            root.removeHandler(handler)
        logging.getLogger("kubevitals").setLevel(logging.NOTSET)
