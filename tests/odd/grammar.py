"""Odd requests, made up from a seed: the same seed and number make the same one again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.odd import words

Caller = Literal["proxy", "token", "nobody"]
Layer = Literal["http", "socket", "record"]
_LONGEST = 1_200_000  # bytes of a query: above what a head may have
_ENDLESS = {"framing", "body", "lines", "path", "method"}  # oddities that may hide where a request ends
_CALLERS: tuple[Caller, ...] = ("proxy", "proxy", "token", "nobody")


@dataclass(frozen=True, slots=True)
class Odd:
    """What one caller sends on one connection.

    Attributes:
        label: the seed and number that make it again, and what is odd about it.
        caller: who sends it.
        pieces: what is sent, one write after the other.
        methods: of the requests in it, in order; each is answered, unless an answer before ends the connection.
        loose: it may be taken for more requests than these.
        layer: where it is sent: as HTTP, on the socket instead of a TLS handshake, or beneath TLS after one.
        waits: the server may rightly go on waiting for the rest.
        silent: the server may hang up without an answer, as this is no HTTP/1.
        framed: where the requests end is beyond doubt, so that the connection can go on.
        leaves: the caller does not wait for its answer.
        rude: the caller ends the connection without saying so.
    """

    label: str
    caller: Caller
    pieces: tuple[bytes, ...]
    methods: tuple[str, ...] = ()
    loose: bool = False
    layer: Layer = "http"
    waits: bool = False
    silent: bool = False
    framed: bool = False
    leaves: bool = False
    rude: bool = False

    @property
    def sent(self) -> bytes:
        """Everything that is sent."""
        return b"".join(self.pieces)


@dataclass(slots=True)
class _Draft:
    """A request that is still being made."""

    method: bytes = b"GET"
    target: bytes = b"/"
    query: list[bytes] = field(default_factory=list)
    version: bytes = b"HTTP/1.1"
    lines: list[bytes] = field(default_factory=lambda: [b"Host: metrics-server"])
    body: bytes = b""
    end: bytes = b"\r\n"
    odd: list[str] = field(default_factory=list)

    def render(self) -> bytes:
        target = self.target + (b"?" + b"&".join(self.query) if self.query else b"")
        first = b" ".join([self.method, target] + ([self.version] if self.version else []))
        return self.end.join([first, *self.lines, b"", b""]) + self.body


_Feature = Callable[[random.Random, _Draft], None]


def odd_request(seed: int, number: int) -> Odd:
    """Make up one."""
    rng = random.Random(f"{seed}/{number}")
    label = f"seed {seed}, number {number}"
    caller = rng.choice(_CALLERS)
    chance = rng.random()
    if chance < 0.02:
        return _garbage(rng, label, caller)
    if chance < 0.04:
        return Odd(f"{label}: noise", caller, (_noise(rng),), loose=True, waits=True, silent=True)
    drafts = [_draft(rng, caller) for _ in range(rng.randint(2, 4) if chance < 0.15 else 1)]
    whole = _whole(label, caller, drafts)
    if 0.15 < chance < 0.30:
        return _spoilt(rng, whole, chance)
    return replace(whole, pieces=_pieces(rng, whole.sent)) if rng.random() < 0.2 else whole


def _whole(label: str, caller: Caller, drafts: list[_Draft]) -> Odd:
    """Put requests one behind the other."""
    oddities = {name for draft in drafts for name in draft.odd}
    loose = bool(oddities & _ENDLESS)
    return Odd(
        f"{label}: {' | '.join('+'.join(draft.odd) for draft in drafts)}",
        caller,
        (b"".join(draft.render() for draft in drafts),),
        tuple(draft.method.decode("latin-1") for draft in drafts),
        loose=loose,
        waits="ends" in oddities,
        silent=not all(draft.version.startswith(b"HTTP/1.") and draft.target for draft in drafts),
        framed=not loose and not oddities & {"version", "ends"},
    )


def _spoilt(rng: random.Random, whole: Odd, chance: float) -> Odd:
    """Cut requests off, change a few bytes, or leave before the answer."""
    sent, rude = whole.sent, rng.random() < 0.5
    unsure = replace(whole, loose=True, waits=True, silent=True, framed=False, rude=rude)
    if chance < 0.21:
        pieces = _pieces(rng, sent[: rng.randrange(len(sent))])
        return replace(unsure, label=f"{whole.label}, cut off", pieces=pieces)
    if chance < 0.26:
        return replace(unsure, label=f"{whole.label}, changed", pieces=(_changed(rng, sent),))
    return replace(unsure, label=f"{whole.label}, gone", leaves=True)


# --- what is hardly a request -----------------------------------------------------------------------------------


def _garbage(rng: random.Random, label: str, caller: Caller) -> Odd:
    """Make up what is no TLS."""
    layer: Layer = rng.choice(("socket", "record"))
    record = bytes([rng.choice([20, 21, 22, 23, 24, 99]), 3, rng.randrange(5)]) + rng.randrange(1 << 16).to_bytes(
        2, "big"
    )
    sent = rng.choice(
        [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", _noise(rng), record, record + _noise(rng),
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + rng.randbytes(200),
            b"\x80\x2e\x01\x00\x02", b"",
        ]
    )  # fmt: skip
    return Odd(
        f"{label}: {layer} garbage", caller, (sent,), layer=layer, waits=True, silent=True, rude=rng.random() < 0.3
    )


def _noise(rng: random.Random) -> bytes:
    noise = rng.randbytes(int(2 ** rng.uniform(0, 16)))
    return noise + rng.choice([b"", b"\r\n\r\n", b" / HTTP/1.1\r\n\r\n"])


def _changed(rng: random.Random, whole: bytes) -> bytes:
    changed = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(min(len(changed), 2000))
        match rng.randrange(3):
            case 0:
                changed[place] = rng.randrange(256)
            case 1:
                changed[place:place] = rng.choice([*words.SPLICES, b"\r\n", b"\n", b"\r"])
            case _:
                del changed[place : place + rng.randint(1, 20)]
    return bytes(changed)


def _pieces(rng: random.Random, whole: bytes) -> tuple[bytes, ...]:
    cuts = sorted(rng.randrange(len(whole) + 1) for _ in range(rng.randint(1, 4)))
    return tuple(whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if start < end)


# --- requests ---------------------------------------------------------------------------------------------------


def _draft(rng: random.Random, caller: Caller) -> _Draft:
    draft = _Draft(target=rng.choice(words.PATHS))
    if caller == "proxy":
        draft.lines += [b"X-Remote-User: root", b"X-Remote-Group: system:masters"]
    elif caller == "token":
        draft.lines.append(b"Authorization: Bearer " + words.TOKEN)
    for name in dict.fromkeys(rng.choices(list(_FEATURES), _WEIGHTS, k=rng.choice([1, 1, 2, 2, 3]))):
        draft.odd.append(name)
        _FEATURES[name](rng, draft)
    return draft


def _odd_method(rng: random.Random, draft: _Draft) -> None:
    draft.method = rng.choice(words.METHODS)


def _odd_path(rng: random.Random, draft: _Draft) -> None:
    path = draft.target
    match rng.randrange(8):
        case 0:
            draft.target = b"http://" + rng.choice([b"x", b"", b"a@b:1", b"[::1", b"x:99999", b"\xff"]) + path
        case 1:
            draft.target = rng.choice([b"*", b"", b"x:443", b"https:", b"metrics", b"?", b"//", b"://", b"/" * 3000])
        case 2:
            draft.target = path + b"/" + rng.choice([b"a", b"%41", b"/", b"%2f"]) * rng.choice([1000, 20_000, 100_000])
        case 3:
            draft.target = b"".join(b"%%%02x" % byte if rng.random() < 0.3 else bytes([byte]) for byte in path)
        case _:
            for _ in range(rng.randint(1, 3)):
                place = rng.randrange(len(draft.target) + 1)
                draft.target = draft.target[:place] + rng.choice(words.SPLICES) + draft.target[place:]


def _odd_query(rng: random.Random, draft: _Draft) -> None:
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        draft.query.append(
            rng.choice(words.OPTIONS) + rng.choice([b"=", b"=", b"=", b"", b"=="]) + rng.choice(words.VALUES)
        )
    if rng.random() < 0.05:
        draft.query *= min(rng.choice([2, 50, 400]), 1 + _LONGEST // len(b"&".join(draft.query)))


def _odd_accept(rng: random.Random, draft: _Draft) -> None:
    for _ in range(rng.choice([1, 1, 1, 3])):
        draft.lines.append(b"Accept: " + b", ".join(rng.choices(words.ACCEPTS, k=rng.choice([1, 1, 2, 4]))))


def _odd_identity(rng: random.Random, draft: _Draft) -> None:
    if rng.random() < 0.4:
        draft.lines = draft.lines[:1]
    for _ in range(rng.choice([1, 1, 2, 4])):
        name = rng.choice(words.IDENTITIES)
        values = words.CREDENTIALS if name == b"Authorization" else words.NAMES
        draft.lines.append(name + b": " + rng.choice(values))
    if rng.random() < 0.1:
        draft.lines += [b"X-Remote-Group: group-%d" % i for i in range(rng.choice([100, 1000, 5000]))]


def _odd_framing(rng: random.Random, draft: _Draft) -> None:
    draft.lines += rng.choice(words.FRAMINGS)
    draft.method = rng.choice([b"POST", b"GET", draft.method])
    draft.body = rng.choice(words.BODIES)


def _odd_body(rng: random.Random, draft: _Draft) -> None:
    draft.body = rng.choice(words.BODIES)
    if rng.random() < 0.6:
        draft.lines.append(b"Content-Length: %d" % len(draft.body))


def _odd_connection(rng: random.Random, draft: _Draft) -> None:
    draft.lines += rng.choice(words.CONNECTIONS)


def _odd_lines(rng: random.Random, draft: _Draft) -> None:
    for _ in range(rng.choice([1, 1, 2, 5])):
        draft.lines.insert(rng.randrange(len(draft.lines) + 1), rng.choice(words.LINES))
    if rng.random() < 0.03:
        draft.lines += [b"X-Filler: %d" % i for i in range(5000)]


def _odd_version(rng: random.Random, draft: _Draft) -> None:
    draft.version = rng.choice(words.VERSIONS)


def _odd_ends(rng: random.Random, draft: _Draft) -> None:
    draft.end = rng.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\r\n\r\n"])


_FEATURES: dict[str, _Feature] = {
    "method": _odd_method, "path": _odd_path, "query": _odd_query, "accept": _odd_accept, "identity": _odd_identity,
    "framing": _odd_framing, "body": _odd_body, "connection": _odd_connection, "lines": _odd_lines,
    "version": _odd_version, "ends": _odd_ends,
}  # fmt: skip
_WEIGHTS = [1, 2, 4, 3, 3, 1, 1, 2, 1, 1, 1]  # what is hardly HTTP is refused at once, and therefore rarer
