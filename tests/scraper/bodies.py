"""Bodies of kubelets: usual ones, later ones, edited ones, and what has only their parts."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

SAMPLES = Path(__file__).parent / "samples"


def later(body: bytes, value: bytes = b"1") -> bytes:
    """Return the body of a later scrape: a digit more in each value but start times, timestamps a second on."""

    def moved(match: re.Match[bytes]) -> bytes:
        time = match[3] and b"%d" % (int(match[3]) + 1000)
        return match[1] + value + match[2] + (b" " + time if time else b"") + b"\n"

    lines_of = body.splitlines(keepends=True)
    plain = re.compile(rb"((?!#|container_start|\w*scrape_error).*?[} ])([0-9][0-9.e+]*)(?: ([0-9]{13}))?\n")
    return b"".join(moved(match) if (match := plain.fullmatch(line)) else line for line in lines_of)


def usual(
    cpu: tuple[str, str] = ("1.5", "2.5"),
    memory: tuple[str, str] = ("4096", "8192"),
    start: str = "1.7899995e+09",
    time: str = "1789999998000",
) -> bytes:
    """Return a body as kubelets print it: pods a and b with one container each, and the node."""
    series = '{container="c",namespace="ns",pod="%s"}'
    text = ""
    for family, values, at in (
        ("container_cpu_usage_seconds_total", cpu, f" {time}"),
        ("container_memory_working_set_bytes", memory, f" {time}"),
        ("container_start_time_seconds", (start, start), ""),
    ):
        text += f"# HELP {family} text\n# TYPE {family} gauge\n"
        text += "".join(f"{family}{series % pod} {value}{at}\n" for pod, value in zip("ab", values, strict=True))
    text += f"# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total 100.5 {time}\n"
    text += f"# TYPE node_memory_working_set_bytes gauge\nnode_memory_working_set_bytes 1.5e+09 {time}\n"
    text += (
        f'# TYPE pod_cpu_usage_seconds_total counter\npod_cpu_usage_seconds_total{{namespace="ns",pod="a"}} 2 {time}\n'
    )
    return (text + "# TYPE resource_scrape_error gauge\nresource_scrape_error 0\n").encode()


# --- any parts ----------------------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [
        b"container_cpu_usage_seconds_total",
        b"container_memory_working_set_bytes",
        b"container_start_time_seconds",
        b"node_cpu_usage_seconds_total",
        b'{container="c",namespace="ns",pod="p"}',
        b'{pod="',
        b'"',
        b"\\",
        b"}",
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"# HELP ",
        b"1.5",
        b"1e9999",
        b"NaN",
        b"-Inf",
        b"1789999998000",
        b"99999999999999999999",
        b"-",
        b"_",
        b"\0",
        b"\xff",
        "é".encode(),
    ]
)
BODIES = st.one_of(st.binary(max_size=300), st.lists(FRAGMENTS, max_size=40).map(lambda parts: b"".join(parts) + b"\n"))

# --- any edit -----------------------------------------------------------------------------------------------

BASES = [usual(), usual(cpu=("0", "2.5")), *((SAMPLES / name).read_bytes() for name in ("v1.20.txt", "kwok.txt"))]
SPACES = b"\n#|# x\n|\n|\r| |\t|\v|\f|\0|\xff".split(b"|")
MARKS = b'# { } " \\ , [ ] _ 0 1 - + . e e9 NaN inf 0x1 1,2 null'.split()
FAMILIES = [
    b"scrape_error 1\n",
    b"resource_scrape_error 1\n",
    b"pod_x 1\n",
    b"_total",
    b"container_cpu_usage_seconds_total",
    b"container_cpu_usage_seconds_total 1 2\n",
    b"node_cpu_usage_seconds_total 1 1789999998000\n",
]
INSERTS = st.one_of(st.sampled_from([*SPACES, *MARKS, *FAMILIES, "٣".encode()]), st.binary(max_size=3))
WHERE = st.floats(min_value=0, max_value=1)


@st.composite
def edited(draw):
    """Return a body and an edited one: bytes replaced, lines copied or moved, the end cut off."""
    base = draw(st.sampled_from(BASES))
    body = base if draw(st.booleans()) else later(base)
    for _ in range(draw(st.integers(min_value=1, max_value=4))):
        body = draw(st.sampled_from([spliced, copied, respelled, cut]))(draw, body)
    return base, body


def place(draw, length):
    return int(draw(WHERE) * length)


def spliced(draw, body):
    at = place(draw, len(body))
    return body[:at] + draw(INSERTS) + body[at + draw(st.integers(min_value=0, max_value=3)) :]


def copied(draw, body):
    rows = body.splitlines(keepends=True) or [b""]
    source, target = place(draw, len(rows) - 1), place(draw, len(rows) - 1)
    row = rows[source] if draw(st.booleans()) else rows.pop(source)
    return b"".join([*rows[:target], row, *rows[target:]])


def respelled(draw, body):
    words = re.split(rb"([ \n])", body)
    at = place(draw, len(words) - 1)
    words[at] = draw(st.one_of(INSERTS, SPELLINGS.map(str.encode)))
    return b"".join(words)


def cut(draw, body):
    return body[: place(draw, len(body))] if draw(st.integers(min_value=0, max_value=9)) == 0 else body


SPELLINGS = st.one_of(
    st.floats().map(str),
    st.floats(min_value=0, max_value=1e11, allow_nan=False).map(str),
    st.integers(min_value=-1, max_value=2**70).map(str),
    st.from_regex(r"[+-]?[0-9]{0,20}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
