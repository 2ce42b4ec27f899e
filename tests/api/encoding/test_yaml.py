from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.encoding.body import Body
from kubevitals.api.encoding.json import dumps as json_dumps
from kubevitals.api.encoding.yaml import dumps, yaml_chunks

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
TRICKY = st.text(alphabet="yn0x1e_:-+.#'\" ,[]{}&*!|>%@`\\~=<?\n\tT", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | TEXT | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | TRICKY, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXT | TRICKY, VALUES, min_size=1, max_size=4))
def test_round_trip(document: dict[str, object]) -> None:
    """Any JSON-shaped document is read back unchanged by an independent reader."""
    assert yaml.safe_load(dumps(document)) == document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12345678n", "12345678n"),
        ("64Mi", "64Mi"),
        ("15.003s", "15.003s"),
        ("1m30s", "1m30s"),
        ("2147483649", '"2147483649"'),
        ("1e3", '"1e3"'),
        ("0x1f", '"0x1f"'),
        ("1:30", '"1:30"'),
        ("2026-01-01T00:00:31Z", '"2026-01-01T00:00:31Z"'),
        ("2026-01-01", '"2026-01-01"'),
        ("true", '"true"'),
        ("Yes", '"Yes"'),
        ("y", '"y"'),
        ("null", '"null"'),
        ("~", '"~"'),
        ("", '""'),
        ('pods "p" not found', 'pods "p" not found'),
        ("it is forbidden: no", "'it is forbidden: no'"),
        ("don't: x", "'don''t: x'"),
        ("- x", "'- x'"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        ("metrics.k8s.io/v1beta1", "metrics.k8s.io/v1beta1"),
        ("a\nb", '"a\\nb"'),
        ("\ud800", '"\\ufffd"'),
        ("\x7f", '"\\U0000007f"'),
        ("é", '"é"'),
    ],
)
def test_scalar(text: str, expected: str) -> None:
    """Text stands without quotes where no reader could take it for anything else."""
    assert dumps({"k": text}).decode() == f"k: {expected}\n"


def test_layout() -> None:
    """Keys are sorted, sequences start at their key's column, and empty values stay on one line."""
    document = {"b": [{"z": 1, "a": {"x": []}}, [1, [2]], {}, None], "a": {}}
    assert dumps(document).decode() == ("a: {}\nb:\n- a:\n    x: []\n  z: 1\n- - 1\n  - - 2\n- {}\n- null\n")


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=2), max_size=4))
def test_body(elements: list[dict[str, object]]) -> None:
    """A body's array takes its place among the sorted keys, also when it is empty."""
    body = Body(b'{"kind":"L","metadata":{}}', "items", [[json_dumps(element)] for element in elements])
    text = b"".join(yaml_chunks(body)).decode()
    assert yaml.safe_load(text) == {"items": elements, "kind": "L", "metadata": {}}
    assert text.startswith("items:")


def test_body_without_array() -> None:
    """A single object is written like any document."""
    assert b"".join(yaml_chunks(Body(b'{"b":1,"a":null}'))) == b"a: null\nb: 1\n"
