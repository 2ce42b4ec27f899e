"""What a body of a known shape means: only its numbers are read, straight into columns. Pure.

The strict parser tells once what a shape means: which pod and container each line is about, in which order rows
are served, which pods are withheld. Of the next body of that shape (see ``sketch``) everything is known but the
numbers. They are read as JSON, whose numbers are a part of those that the format allows and have the same value;
what JSON refuses, such as ``.5``, ``+1`` and ``NaN``, is left to the strict parser. So is every number that would
withhold a pod that was not withheld before, or serve one that was. The few rows that no column holds (the node,
and pods withheld at the time of learning) are judged by the same functions as the strict parser's.

Why the two always agree: in a body of equal shape, each line begins with the name of its family; there are twice
or three times as many words as lines, the first of each two or three is a known series, and all others are shown
to be numbers. A line can then only be a series, its value and its timestamp. What was learned is replayed on the
body it was learned from, and forgotten unless that gives the strict parser's batch.

A node's memory is a hash, its layout and start times, which its points share, and four bytes per line of CPU, and
once more of memory if their order differs. Nothing of a body is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from kubevitals.model import Batch, Layout
from kubevitals.scraper import lines
from kubevitals.scraper.lines import NODE, Key, Readings, Sample
from kubevitals.scraper.pods import container_keys, node_of, pods_of
from kubevitals.scraper.rows import Clock, UnusableError
from kubevitals.scraper.sketch import Block, OddError, Sketch

_CHANGING: Final = (lines.CONTAINER_CPU, lines.CONTAINER_MEMORY, lines.NODE_CPU, lines.NODE_MEMORY)
_NO_BLOCK: Final = Block([], [], [])
_FLOATS = msgspec.json.Decoder(list[float])
_INTEGERS = msgspec.json.Decoder(list[int])
_INT64: Final = 2**63


class Meaning(NamedTuple):
    """What every body of one shape says, except for its numbers.

    ``cpu_lines`` and ``memory_lines``: per row of the layout, the place of its line in the family's block.
    ``withheld``: containers of pods that had no usable point, each with its places there, None without a line.
    """

    shape: int
    layout: Layout
    cpu_lines: array[int]
    memory_lines: array[int]
    start_ns: array[int]
    withheld: tuple[tuple[Key, int | None, int | None], ...]
    warnings: tuple[str, ...]


class Memory:
    """What one node's bodies mean.

    Learning costs a fraction of the strict parser. A node whose every body has another shape does not pay for
    it: after something was learned in vain, only a shape that comes twice in a row is learned.
    """

    def __init__(self) -> None:
        self._meaning: Meaning | None = None
        self._shape: int | None = None
        self._useful = True

    def recall(self, sketch: Sketch, clock: Clock) -> Batch | None:
        """Return the batch of a body of the remembered shape, None of any other one."""
        batch = recall(self._meaning, sketch, clock) if self._meaning else None
        self._useful |= batch is not None
        return batch

    def learn(self, sketch: Sketch, readings: Readings, batch: Batch, clock: Clock) -> None:
        """Remember the meaning of a body that could not be recalled, from the strict parser's results."""
        if self._useful or self._shape == sketch.shape:
            self._meaning = learn(sketch, readings, batch, clock) or self._meaning
            self._useful = False
        self._shape = sketch.shape


def recall(meaning: Meaning, sketch: Sketch, clock: Clock) -> Batch | None:
    """Return the batch of a body of the known shape; None when the strict parser must look at it.

    Args:
        meaning: what was learned.
        sketch: the body's.
        clock: of the text format, whose timestamps are milliseconds.
    """
    if sketch.shape != meaning.shape:
        return None
    try:
        return _batch(meaning, sketch.blocks, clock)
    except (OddError, UnusableError, OverflowError, msgspec.DecodeError):
        return None


def learn(sketch: Sketch, readings: Readings, batch: Batch, clock: Clock) -> Meaning | None:
    """Return what a body's shape means, from the strict parser's results; None if it cannot be told by places."""
    if readings.repeated or not all(_is_plain(sketch, readings, family) for family in _CHANGING):
        return None
    meaning = _meaning(sketch.shape, readings, batch)
    return meaning if recall(meaning, sketch, clock) == batch else None


def _is_plain(sketch: Sketch, readings: Readings, family: str) -> bool:
    """Tell whether each of a family's samples comes from a line of its one block, with a space after the labels."""
    names = sketch.blocks.get(family, _NO_BLOCK).names
    bare = family.encode()
    return len(names) == len(readings.families[family]) and all(name[-1:] == b"}" or name == bare for name in names)


# --- learning -----------------------------------------------------------------------------------------------


def _meaning(shape: int, readings: Readings, batch: Batch) -> Meaning:
    cpu = _places(readings, lines.CONTAINER_CPU)
    memory = _places(readings, lines.CONTAINER_MEMORY)
    served = [(pod.namespace, pod.name, container) for pod in batch.layout.pods for container in pod.containers]
    cpu_lines, memory_lines = (array("I", [places[key] for key in served]) for places in (cpu, memory))
    if memory_lines == cpu_lines:
        memory_lines = cpu_lines
    withheld = tuple([(key, cpu.get(key), memory.get(key)) for key in _withheld_keys(readings, batch)])
    return Meaning(shape, batch.layout, cpu_lines, memory_lines, batch.start_ns, withheld, batch.warnings)


def _places(readings: Readings, family: str) -> dict[Key, int]:
    return {key: place for place, key in enumerate(readings.families[family])}


def _withheld_keys(readings: Readings, batch: Batch) -> Iterable[Key]:
    pods = {(pod.namespace, pod.name) for pod in batch.dropped}
    return [key for key in container_keys(readings) if key[:2] in pods] if pods else ()


# --- reading ------------------------------------------------------------------------------------------------


def _batch(meaning: Meaning, blocks: dict[str, Block], clock: Clock) -> Batch:
    numbers = {family: _numbers(block) for family, block in blocks.items()}
    readings = _odd_readings(meaning, blocks)
    pods, _, dropped = pods_of(readings, clock)
    if pods:
        raise OddError
    node, reason = node_of(readings, clock)
    times, *ends = _times(blocks.get(lines.CONTAINER_CPU, _NO_BLOCK).times, meaning.cpu_lines, clock)
    memory, most = _memory(numbers.get(lines.CONTAINER_MEMORY, []), meaning.memory_lines)
    return Batch(
        layout=meaning.layout,
        time_ms=times,
        cpu_ns=_cpu(numbers.get(lines.CONTAINER_CPU, []), meaning.cpu_lines),
        memory=memory,
        start_ns=meaning.start_ns,
        node=node,
        node_reason=reason,
        dropped=tuple(dropped),
        warnings=meaning.warnings,
        earliest_ms=ends[0],
        latest_ms=ends[1],
        most_memory=most,
    )


def _numbers(block: Block) -> list[float]:
    """Return a block's values, when these and the timestamps are nothing but numbers."""
    values = _FLOATS.decode(_json(block.values))
    # A word such as ``1,2`` would shift all that follow it.
    if len(values) != len(block.values) or not (b"".join(block.times).isdigit() or not block.times):
        raise OddError
    return values


def _json(words: list[bytes]) -> bytes:
    return b"[%b]" % b",".join(words)


def _times(words: list[bytes], places: array[int], clock: Clock) -> tuple[array[int], int, int]:
    """Return the times, the earliest and the latest of them."""
    if not places:
        return array("q"), 0, 0
    if not words:
        return array("q", [clock.requested_ms]) * len(places), clock.requested_ms, clock.requested_ms
    written = _INTEGERS.decode(_json(words))
    times = [written[place] for place in places]
    earliest, latest = min(times), max(times)
    clock.time_ms(("", str(earliest)))
    clock.time_ms(("", str(latest)))
    return array("q", times), earliest, latest


def _cpu(values: list[float], places: array[int]) -> array[int]:
    return _usable([int(values[place] * 1e9) for place in places])


def _memory(values: list[float], places: array[int]) -> tuple[array[int], int]:
    """Return the amounts, and the largest of them."""
    amounts = [int(values[place]) for place in places]
    most = max(amounts, default=0)
    if most >= _INT64:
        raise OddError
    return _usable(amounts), most


def _usable(amounts: list[int]) -> array[int]:
    """Return amounts as a column; it takes no negative one and none of 2**64 or more, which are OverflowErrors."""
    if 0 in amounts:
        raise OddError
    return array("Q", amounts)


# --- rows that no column holds ------------------------------------------------------------------------------


def _odd_readings(meaning: Meaning, blocks: dict[str, Block]) -> Readings:
    """Return the samples of the node and of pods that were withheld, for the strict rules."""
    readings = Readings()
    for family in (lines.NODE_CPU, lines.NODE_MEMORY):
        if family in blocks:
            readings.families[family][NODE] = _sample(blocks[family], 0)
    for key, *places in meaning.withheld:
        readings.families[lines.CONTAINER_START][key] = ("0", None)  # so that it is looked at, if it has no more
        for family, place in zip((lines.CONTAINER_CPU, lines.CONTAINER_MEMORY), places, strict=True):
            if place is not None:
                readings.families[family][key] = _sample(blocks[family], place)
    return readings


def _sample(block: Block, place: int) -> Sample:
    time = block.times[place].decode() if block.times else None
    return block.values[place].decode(), time
