"""Bodies of a known shape: read with a memory of their names, exactly as the strict parser reads them."""

from __future__ import annotations

import json
import sys

import pytest
from fuzz.decoder import outcome, strictly
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scraper.bodies import SAMPLES, SPELLINGS, later, usual
from tests.steps import steps

from kubevitals.scraper import lines
from kubevitals.scraper.exposition import Decoder
from kubevitals.scraper.remembered import learn, recall
from kubevitals.scraper.rows import Clock
from kubevitals.scraper.sketch import sketch

NAMES = sorted(path.name for path in SAMPLES.glob("*.txt"))
USUAL = ["30-pods.txt", "huge-110-pods.txt", "v1.20.txt", "v1.24.txt", "v1.28.txt", "v1.33-swap.txt", "static-pods.txt"]
NOW = 1_790_000_000_000
CLOCK = Clock(NOW, seconds=False)


def media_type(name):
    return json.loads((SAMPLES / name).with_suffix(".expected.json").read_text())["http"]["content_type"]


def meaning_of(body):
    """Return what the strict parser teaches about a body's shape."""
    drawn = sketch(body)
    readings = lines.read(body.decode())
    return drawn and learn(drawn, readings, Decoder().decode(body, requested_ms=NOW), CLOCK)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_gives_the_same_outcome_again(name):
    """A body that comes twice, and a third time, gives what the strict parser gives."""
    body, media = (SAMPLES / name).read_bytes(), media_type(name)
    decoder = Decoder()

    assert [outcome(decoder, body, media) for _ in range(3)] == [strictly(body, media)] * 3


@pytest.mark.parametrize("value", [b"1", b"0", b"-", b"+", b".", b"1_", b"1e", b"9999999999", b"0.0000000000", b"NaN "])
@pytest.mark.parametrize("name", NAMES)
def test_a_sample_with_other_numbers_gives_the_strict_outcome(name, value):
    """After a warm-up, other numbers of any spelling give what the strict parser makes of them."""
    body, media = (SAMPLES / name).read_bytes(), media_type(name)
    changed = later(body, value)
    decoder = Decoder()
    outcome(decoder, body, media)

    assert outcome(decoder, changed, media) == strictly(changed, media)
    assert outcome(decoder, body, media) == strictly(body, media)


@pytest.mark.parametrize("name", USUAL)
def test_a_usual_body_is_recalled(name):
    """What kubelets of any version print is read by memory, with the layout of the scrape before."""
    body = (SAMPLES / name).read_bytes()
    meaning = meaning_of(body)
    batch = recall(meaning, sketch(later(body)), CLOCK)

    assert batch == strictly(later(body))
    assert batch != strictly(body)
    assert batch.layout is meaning.layout


def test_the_layout_stays_the_same_object_on_both_paths():
    """A node keeps its layout object, whether the memory or the strict parser read the body."""
    decoder = Decoder()
    bodies = [usual(), usual(cpu=("7", "8")), usual(cpu=("+7", "8")), usual(start="1.78e+09"), usual()]
    layouts = [decoder.decode(body, requested_ms=NOW).layout for body in bodies]

    assert {id(layout) for layout in layouts} == {id(layouts[0])}


@pytest.mark.parametrize(
    "changed",
    [
        {"cpu": ("0", "2.5")},
        {"cpu": ("1e-10", "2.5")},
        {"cpu": ("NaN", "2.5")},
        {"cpu": ("18446744073.709551616", "2.5")},
        {"cpu": ("1e300", "1e999")},
        {"memory": ("-1", "4096")},
        {"memory": ("9223372036854775808", "4096")},
        {"memory": ("0.5", "4096")},
        {"time": "946684799999"},
        {"time": "9999999999999999999999999"},
        {"time": "01789999998000"},
        {"time": "1789999998000.0"},
        {"time": "-1789999998000"},
        {"cpu": ("1,2", "3")},
        {"cpu": ('"1', '2"')},
        {"cpu": ("[1]", "null")},
        {"cpu": ("1_000", "0x10")},
        {"cpu": ("٣", "3")},
        {"cpu": ("1\n", "3")},
    ],
)
def test_numbers_that_no_column_holds_are_left_to_the_strict_parser(changed):
    """A number that withholds a pod, or that JSON and the format spell differently, is never taken by memory."""
    body = usual(**changed)
    drawn = sketch(body)

    assert drawn is None or recall(meaning_of(usual()), drawn, CLOCK) is None
    decoder = Decoder()
    decoder.decode(usual(), requested_ms=NOW)
    assert outcome(decoder, body) == strictly(body)


def test_the_time_of_the_request_counts_on_both_paths():
    """A timestamp that was in range may no longer be, when the clock was set back."""
    decoder = Decoder()
    early = NOW - 3 * 86_400_000
    decoder.decode(usual(), requested_ms=NOW)

    assert outcome(decoder, usual(), now=early) == strictly(usual(), now=early)


def test_pods_withheld_every_time_are_recalled_as_withheld():
    """A pod without CPU does not cost its node the memory, and its reason is that of the present scrape."""
    meaning = meaning_of(usual(cpu=("0", "2.5")))
    batch = recall(meaning, sketch(usual(cpu=("-1", "3.5"))), CLOCK)

    assert batch == strictly(usual(cpu=("-1", "3.5")))
    assert [tuple(pod) for pod in batch.dropped] == [("ns", "a", "cpu is negative")]


def test_a_withheld_pod_that_becomes_usable_is_served():
    """The memory never keeps a pod away that the strict parser would serve."""
    meaning = meaning_of(usual(cpu=("0", "2.5")))
    assert recall(meaning, sketch(usual()), CLOCK) is None

    decoder = Decoder()
    decoder.decode(usual(cpu=("0", "2.5")), requested_ms=NOW)
    assert decoder.decode(usual(), requested_ms=NOW) == strictly(usual())


@pytest.mark.parametrize("start", [b"a", b"a}"])
def test_a_label_that_looks_like_words_is_not_learned(start):
    """Words inside a label may look like values: such a body is never taken for one without the label's quotes."""
    name = b'# x\ncontainer_cpu_usage_seconds_total{container="' + start
    decoder = Decoder()
    outcome(decoder, name + b' b",namespace="ns",pod="p"} 5\n')

    assert outcome(decoder, name + b" 1 2\n") == strictly(name + b" 1 2\n")


HIDDEN = b'container_cpu_usage_seconds_total{container="c",namespace="ns",pod="a"} 1.5 1789999998000\n'
OLD = b"# x\ncontainer_cpu_usage_seconds 5\n"
BARE = b"# x\nnode_cpu_usage_seconds_total 5\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(usual() + HIDDEN, usual(cpu=("3", "4")) + HIDDEN, id="another family's line among errors"),
        pytest.param(usual() + b"# x\n" + HIDDEN, usual(cpu=("3", "4")) + b"# x\n" + HIDDEN, id="two blocks"),
        pytest.param(usual() + OLD, usual() + OLD + HIDDEN, id="a longer name that begins alike"),
        pytest.param(b"", b"# x\n", id="nothing and a comment"),
        pytest.param(BARE + b"# x\nx 1\n", BARE + b"# x\npod_cpu_usage_seconds_total 1\n", id="an unread family"),
        pytest.param(usual(), usual().replace(b"1.5 17", b"1.5\v17"), id="a vertical tab"),
        pytest.param(usual(), usual().replace(b"1.5 17", b"1.5\f17"), id="a form feed"),
        pytest.param(usual(), usual().replace(b"000\n", b"000\r\n"), id="carriage returns"),
        pytest.param(usual(), usual().replace(b"text", b"te\0xt"), id="a zero byte in a comment"),
        pytest.param(usual(), usual().replace(b'pod="a"} 2', b'pod="\xff"} 2'), id="broken UTF-8 in an unread family"),
        pytest.param(usual(), usual().replace(b" 1789999998000", b""), id="no timestamps any more"),
        pytest.param(usual(), usual().replace(b" 1.5 1789999998000", b" 1.5 1789999998"), id="one time too early"),
        pytest.param(usual(), usual().replace(b" 1.5 1789999998000", b" 1.5 17899999980000"), id="one time too late"),
        pytest.param(usual(), usual().replace(b" 1.5 17", b" 1.5\n17").replace(b"000\ncont", b"000 cont"), id="moved"),
    ],
)
def test_a_body_that_only_resembles_the_remembered_one_is_read_strictly(before, after):
    """What looks alike word by word, and means something else, is never read by memory."""
    decoder = Decoder()
    outcome(decoder, before)

    assert after != before
    assert outcome(decoder, after) == strictly(after)


def test_a_value_without_a_space_before_it_is_not_learned():
    """A value that touches its labels is no part of a name."""
    family = b'{container="c",namespace="ns",pod="p"}'
    body = b"# x\ncontainer_cpu_usage_seconds_total%b 5 1789999998000\n" % family
    body += b"# x\ncontainer_memory_working_set_bytes%b5 %%d\n" % family
    decoder = Decoder()
    outcome(decoder, body % 5)

    assert outcome(decoder, body % 6) == strictly(body % 6)


# --- any number ---------------------------------------------------------------------------------------------


@given(SPELLINGS, SPELLINGS, st.one_of(SPELLINGS, st.integers(min_value=1_600_000_000_000, max_value=NOW).map(str)))
@settings(max_examples=600, deadline=None)
def test_any_spelling_of_a_number_is_read_alike(cpu, memory, time):
    """A number has one value on both paths, to the last bit, or both refuse it."""
    body = usual(cpu=(cpu, cpu), memory=(memory, memory), time=time)
    decoder = Decoder()
    decoder.decode(usual(), requested_ms=NOW)

    assert outcome(decoder, body) == strictly(body)


@given(st.lists(st.floats(min_value=1e-9, max_value=1.8e10), min_size=2, max_size=2), st.integers(1, 2**63 - 1025))
@settings(max_examples=300, deadline=None)
def test_plain_numbers_are_read_by_memory(cpu, memory):
    """Every number in range, as Go prints it, is read without the strict parser."""
    body = usual(cpu=tuple(map(repr, cpu)), memory=(str(memory), f"{memory:e}"))

    assert recall(meaning_of(usual()), sketch(body), CLOCK) == strictly(body)


# --- what it costs ------------------------------------------------------------------------------------------


def body_of(pods, cpu="1.5"):
    """Return a body of so many pods, each with one container."""
    found = b""
    for family in (lines.CONTAINER_CPU, lines.CONTAINER_MEMORY):
        rows = (f'{family}{{container="c",namespace="ns",pod="p{pod:05}"}} {cpu} {NOW}\n' for pod in range(pods))
        found += f"# TYPE {family} gauge\n{''.join(rows)}".encode()
    return found


def steps_to_recall(body):
    decoder = Decoder()
    decoder.decode(body, requested_ms=NOW)
    return steps(lambda: decoder.decode(body, requested_ms=NOW))


@pytest.mark.parametrize("cpu", ["1.5", "0", "+1.5"])
def test_steps_grow_linearly_with_pods(cpu):
    """Twice the pods cost twice the steps: by memory, with withheld pods, and when the strict parser must help."""
    small, middle, large = (steps_to_recall(body_of(pods, cpu)) for pods in (100, 200, 400))

    assert large - middle <= 2.05 * (middle - small)


def test_a_recalled_container_takes_few_steps():
    """By memory a container costs less than a tenth of what its lines cost the strict parser."""
    body, more = body_of(100), body_of(200)
    by_memory = steps_to_recall(more) - steps_to_recall(body)
    strict = steps(lambda: strictly(more)) - steps(lambda: strictly(body))

    assert by_memory * 10 < strict


def test_a_node_with_ever_new_shapes_pays_little_for_the_memory():
    """What is learned in vain is not learned every time, and a shape that comes twice is learned again."""
    ages = [usual(start=f"{age}.5") for age in (10, 25, 40, 55)]
    decoder = Decoder()
    costs = [steps(lambda body=body: decoder.decode(body, requested_ms=NOW)) for body in [*ages, ages[-1], ages[-1]]]

    assert max(costs[1:4]) < costs[0]
    assert costs[4] > costs[3]
    assert costs[5] * 3 < costs[3] * 2


def test_steps_to_sketch_odd_bodies_grow_linearly():
    """Bodies made of nothing but comments, blocks or line feeds are no trap."""
    for odd in (b"#", b"#\n", b"# x\nx 1\n", b"\n", b"# x\nx\n\nx\n", b"x" * 50):
        small, large = (steps(lambda body=odd * count: sketch(body)) for count in (1000, 2000))
        assert large <= 2 * small + 20


def test_a_node_s_memory_is_small_and_holds_no_text():
    """Beside layout and start times, which its points share, a node keeps some bytes per container."""
    meaning = meaning_of(body_of(60))

    own = [meaning.shape, meaning.cpu_lines, meaning.withheld, meaning.warnings]
    assert meaning.memory_lines is meaning.cpu_lines
    assert sum(map(sys.getsizeof, own)) < 60 * 4 + 300
    assert not any(isinstance(part, str | bytes) for part in meaning)
