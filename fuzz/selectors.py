"""Any text parses or raises SelectorError, in linear time; what parses and is written again parses to the same."""

from __future__ import annotations

from collections.abc import Iterator

from fuzz import growth
from kubevitals.errors import SelectorError
from kubevitals.selectors import (
    DOES_NOT_EXIST,
    EXISTS,
    GREATER,
    IN,
    LESS,
    FieldSelector,
    FieldTerm,
    LabelSelector,
    Requirement,
    parse_fields,
    parse_labels,
)

_SEEDS = (
    b"app=web,tier in (a,b),!legacy,x notin (,c),size>1,size<007,kubernetes.io/os!=linux,in==notin,a",
    b"metadata.name=a,metadata.namespace!=b,a==b\\,c\\=d\\\\,=e",
)


def one(data: bytes) -> None:
    """Hold the promise against the text that bytes stand for in a URL, and few of them blown up."""
    check(_text(data))
    growth.check_some(parse_both, data)


def seeds() -> Iterator[bytes]:
    """Yield one selector of each kind, with every operator."""
    yield from _SEEDS


def parse_both(data: bytes) -> None:
    """Parse a text as either kind of selector."""
    text = _text(data)
    labels(text)
    fields(text)


def check(text: str) -> None:
    """Assert that a text is refused as it should be, or means the same when it is written again."""
    found = labels(text)
    if found is not None:
        keys = [term.key for term in found.requirements]
        assert keys == sorted(keys)
        pairs = {term.key: value for term in found.requirements for value in (*term.values, "")}
        assert found.matches(pairs) == all(term.matches(pairs) for term in found.requirements)
        assert parse_labels(written_labels(found)) == found
    terms = fields(text)
    if terms is not None:
        assert all(term.field or term.value for term in terms.terms)
        # Terms come in the order of what was written, where = and == differ.
        assert sorted(parse_fields(written_fields(terms)).terms) == sorted(terms.terms)


def labels(text: str) -> LabelSelector | None:
    """Return the label selector, None when it is refused."""
    try:
        return parse_labels(text)
    except SelectorError:
        return None


def fields(text: str) -> FieldSelector | None:
    """Return the field selector, None when it is refused."""
    try:
        return parse_fields(text)
    except SelectorError:
        return None


def written_labels(selector: LabelSelector) -> str:
    """Return a text of the same meaning."""
    return ",".join(map(_requirement, selector.requirements))


def written_fields(selector: FieldSelector) -> str:
    """Return a text of the same meaning."""
    return ",".join(map(_term, selector.terms))


def _requirement(term: Requirement) -> str:
    if term.operator in (EXISTS, DOES_NOT_EXIST):
        return term.key if term.operator == EXISTS else f"!{term.key}"
    if term.operator in (GREATER, LESS):
        return f"{term.key}{'>' if term.operator == GREATER else '<'}{term.values[0]}"
    return f"{term.key} {'in' if term.operator == IN else 'notin'} ({','.join(term.values)})"


def _term(term: FieldTerm) -> str:
    value = term.value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
    return f"{term.field}{term.operator}{value}"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
