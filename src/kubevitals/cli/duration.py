"""An option that takes a Go duration, such as ``15s``."""

from __future__ import annotations

import click

from kubevitals.errors import QuantityError
from kubevitals.quantity import parse_duration

_SHORTEST = 1.0  # seconds


class Duration(click.ParamType[float]):
    """Seconds, of which there is at least one."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds of a Go duration."""
        try:
            seconds = parse_duration(str(value)) / 1e9
        except QuantityError as error:
            self.fail(str(error), param, ctx)
        if seconds < _SHORTEST:
            self.fail(f"{value} is too short, the least is {_SHORTEST:.0f}s", param, ctx)
        return seconds
