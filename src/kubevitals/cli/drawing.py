"""Small pictures of numbers: bars, curves, and the words beside them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_STEPS = "▁▂▃▄▅▆▇█"
_WARM, _HOT = 0.6, 0.85
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def color(fraction: float) -> str:
    """Return the colour of a load: calm, warm or hot."""
    if fraction < _WARM:
        return "green"
    return "yellow" if fraction < _HOT else "red"


def bar(fraction: float, width: int, *, ascii_only: bool = False) -> Text:
    """Return a horizontal bar of ``width`` cells, filled to an eighth of a cell."""
    fraction = min(max(fraction, 0.0), 1.0)
    if ascii_only:
        full = round(fraction * width)
        return Text("#" * full, color(fraction)) + Text("." * (width - full), "dim")
    full, eighths = divmod(round(fraction * width * 8), 8)
    drawn = "█" * full + (_EIGHTHS[eighths] if eighths else "")
    return Text(drawn, color(fraction)) + Text("╌" * (width - len(drawn)), "bright_black")


def curve(fractions: Sequence[float], width: int) -> Text:
    """Return the latest values as a line of columns, the newest at the right."""
    drawn = Text()
    for fraction in fractions[-width:]:
        step = min(int(max(fraction, 0.0) * len(_STEPS)), len(_STEPS) - 1)
        drawn.append(_STEPS[step], color(fraction))
    return drawn


def cores(value: float) -> str:
    """Return cores as people read them: ``12m`` below a tenth, else with two decimals."""
    return f"{value * 1000:.0f}m" if value < 0.1 else f"{value:.2f}"


def memory(value: float) -> str:
    """Return bytes in the unit that leaves up to four digits."""
    unit = 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.1f} {_UNITS[unit]}" if value < 10 and unit else f"{value:.0f} {_UNITS[unit]}"


def percent(fraction: float) -> str:
    """Return a part as whole percent."""
    return f"{fraction * 100:.0f}%"


def age(seconds: float) -> str:
    """Return how long ago something was."""
    seconds = max(0.0, seconds)
    return f"{seconds:.0f}s" if seconds < 100 else f"{seconds / 60:.0f}m"


def plain(text: str) -> Text:
    """Return text that a cluster chose, without anything a terminal would obey."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))
