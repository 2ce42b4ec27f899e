"""Label and field selectors: text to requirements, and what they match. Pure.

Grammar, precedence of errors and their texts are those of ``k8s.io/apimachinery``'s packages ``labels`` and
``fields``: clients print the texts, and scripts compare them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kubevitals.errors import SelectorError
from kubevitals.names import label_key_problems, label_value_problems
from kubevitals.quoting import quote

IN = "In"
NOT_IN = "NotIn"
EXISTS = "Exists"
DOES_NOT_EXIST = "DoesNotExist"
GREATER = "Gt"
LESS = "Lt"


class Requirement(NamedTuple):
    """One term of a label selector.

    ``operator`` is ``In``, ``NotIn``, ``Exists``, ``DoesNotExist``, ``Gt`` or ``Lt``; ``=`` and ``!=`` are
    ``In`` and ``NotIn`` of one value. ``values`` is sorted and holds no value twice.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, pairs: Mapping[str, str]) -> bool:
        """Tell whether labels satisfy this term; ``NotIn`` is satisfied by labels without the key."""
        value = pairs.get(self.key)
        if self.operator == IN:
            return value is not None and value in self.values
        if self.operator == NOT_IN:
            return value is None or value not in self.values
        if self.operator in (EXISTS, DOES_NOT_EXIST):
            return (value is not None) == (self.operator == EXISTS)
        return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        if not _is_int64(value):
            return False
        actual, bound = int(value), int(self.values[0])
        return actual > bound if self.operator == GREATER else actual < bound


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Terms that must all hold, in the order of their keys."""

    requirements: tuple[Requirement, ...] = ()

    @property
    def empty(self) -> bool:
        """True when every object matches."""
        return not self.requirements

    @property
    def needed(self) -> list[bytes]:
        """What labels written as compact JSON contain in any case if they match; keys and values need no escapes."""
        exact = [
            (term.key, *term.values) for term in self.requirements if term.operator == "In" and len(term.values) == 1
        ]
        return [f'"{key}":"{value}"'.encode() for key, value in exact]

    def matches(self, pairs: Mapping[str, str]) -> bool:
        """Tell whether an object with these labels is selected."""
        return all(requirement.matches(pairs) for requirement in self.requirements)


class FieldTerm(NamedTuple):
    """One term of a field selector; ``operator`` is ``=`` or ``!=``, ``value`` is unescaped."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold."""

    terms: tuple[FieldTerm, ...] = ()

    @property
    def empty(self) -> bool:
        """True when every object matches."""
        return not self.terms

    def matches(self, values: Mapping[str, str]) -> bool:
        """Tell whether an object with these fields is selected; a field that is missing counts as empty."""
        return all((values.get(t.field, "") == t.value) == (t.operator == "=") for t in self.terms)

    def exact(self, field: str) -> str | None:
        """Return the value that ``field`` must have, None when any could do."""
        return next((t.value for t in self.terms if t.field == field and t.operator == "="), None)


# --- label selectors ----------------------------------------------------------------------------------------


def parse_labels(text: str) -> LabelSelector:
    """Parse a label selector such as ``app=web,tier in (a,b),!legacy``; empty text selects everything.

    Raises:
        SelectorError: worded as ``labels.Parse`` words it.
    """
    requirements = _LabelParser(_scan(text)).requirements()
    return LabelSelector(tuple(sorted(requirements, key=lambda requirement: requirement.key)))


class _Token(NamedTuple):
    kind: str  # the symbol or keyword itself, "identifier" or "end"
    literal: str


_END = _Token("end", "")
_KEYWORDS = ("in", "notin")
# NUL ends a token and vanishes, but where a token should begin it ends the selector.
_TOKEN = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>\0]+))\0?")


def _scan(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while match := _TOKEN.match(text, at):
        symbol, word = match.groups()
        literal = symbol or word
        tokens.append(_Token(literal if symbol or word in _KEYWORDS else "identifier", literal))
        at = match.end()
    return [*tokens, _END]


_BINARY = {
    "in": IN,
    "notin": NOT_IN,
    "=": IN,
    "==": IN,
    "!=": NOT_IN,
    ">": GREATER,
    "<": LESS,
}


class _LabelParser:
    """Recursive descent over tokens; each method consumes what its name says."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self) -> _Token:
        """Return the next token; ``in`` and ``notin`` are identifiers except where an operator must stand."""
        token = self._tokens[self._at]
        return _Token("identifier", token.literal) if token.kind in _KEYWORDS else token

    def _take(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def requirements(self) -> list[Requirement]:
        first = self._peek()
        if first.kind == "end":
            return []
        if first.kind not in ("identifier", "!"):
            raise SelectorError(f"found '{first.literal}', expected: !, identifier, or 'end of string'")
        found = []
        while True:
            found.append(self._requirement())
            token = self._take()
            if token.kind == "end":
                return found
            if token.kind != ",":
                raise SelectorError(f"found '{token.literal}', expected: ',' or 'end of string'")
            following = self._peek()
            if following.kind not in ("identifier", "!"):
                raise SelectorError(f"found '{following.literal}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        try:
            return self._checked_requirement()
        except SelectorError as problem:
            raise SelectorError(f"unable to parse requirement: {problem}") from None

    def _checked_requirement(self) -> Requirement:
        absent = self._peek().kind == "!"
        if absent:
            self._take()
        key = self._key()
        if absent:
            return Requirement(key, DOES_NOT_EXIST)
        if self._peek().kind in ("end", ","):
            return Requirement(key, EXISTS)
        symbol = self._operator()
        values = self._value_set() if symbol in _KEYWORDS else {self._exact_value()}
        return _valid_requirement(key, _BINARY[symbol], tuple(sorted(values)))

    def _key(self) -> str:
        token = self._take()
        if token.kind != "identifier":
            raise SelectorError(f"found '{token.literal}', expected: identifier")
        if problems := label_key_problems(token.literal):
            raise SelectorError(f"<nil>: Invalid value: {quote(token.literal)}: {'; '.join(problems)}")
        return token.literal

    def _operator(self) -> str:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind not in _BINARY:
            raise SelectorError(f"found '{token.literal}', expected: in, notin, =, ==, !=, gt, lt")
        return token.kind

    def _exact_value(self) -> str:
        if self._peek().kind in ("end", ","):
            return ""
        token = self._take()
        if token.kind != "identifier":
            raise SelectorError(f"found '{token.literal}', expected: identifier")
        return token.literal

    def _value_set(self) -> set[str]:
        token = self._take()
        if token.kind != "(":
            raise SelectorError(f"found '{token.literal}' expected: '('")
        token = self._peek()
        if token.kind == ")":
            self._take()
            return {""}
        if token.kind not in ("identifier", ","):
            raise SelectorError(f"found '{token.literal}', expected: ',', ')' or identifier")
        values = self._value_list()
        self._take()  # the closing parenthesis that ended the list
        return values

    def _value_list(self) -> set[str]:
        """Return the values before the closing parenthesis; a missing value is the empty one."""
        values: set[str] = set()
        while True:
            token = self._take()
            following = self._peek() if token.kind in ("identifier", ",") else _END
            if token.kind == "identifier":
                values.add(token.literal)
                if following.kind not in (",", ")"):
                    raise SelectorError(f"found '{following.literal}', expected: ',' or ')'")
            elif token.kind == ",":
                if not values or following.kind in (",", ")"):
                    values.add("")
            else:
                raise SelectorError(f"found '{token.literal}', expected: ',', or identifier")
            if following.kind == ")":
                return values


_INTEGER = re.compile(r"([+-]?)(?=[0-9])0*([0-9]*)")


def _valid_requirement(key: str, operator: str, values: tuple[str, ...]) -> Requirement:
    problems = []
    if operator in (GREATER, LESS) and not _is_int64(values[0]):
        problem = "for 'Gt', 'Lt' operators, the value must be an integer"
        problems.append(f"values[0]: Invalid value: {quote(values[0])}: {problem}")
    for i, value in enumerate(values):
        if found := label_value_problems(value):
            problems.append(f"values[{i}][{key}]: Invalid value: {quote(value)}: {'; '.join(found)}")
    if problems:
        raise SelectorError(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
    return Requirement(key, operator, values)


def _is_int64(text: str) -> bool:
    """Tell whether Go's ``strconv.ParseInt(text, 10, 64)`` accepts ``text``."""
    match = _INTEGER.fullmatch(text)
    if match is None or len(match[2]) > 19:
        return False
    return int(match[2] or "0") < (1 << 63) + (match[1] == "-")


# --- field selectors ----------------------------------------------------------------------------------------

_TERMS = re.compile(r"((?:[^\\,]|\\.?)*)(?:,|\Z)", re.DOTALL)
_TERM = re.compile(r"(.*?)(!=|==?)(.*)", re.DOTALL)
_ESCAPES = re.compile(r"\\(.?)|([,=])", re.DOTALL)


def parse_fields(text: str) -> FieldSelector:
    r"""Parse a field selector such as ``metadata.name=a,metadata.namespace!=b``.

    In values ``\\``, ``\,`` and ``\=`` stand for the character itself. Empty terms are passed over, and so is a
    bare operator.

    Raises:
        SelectorError: worded as ``fields.ParseSelector`` words it.
    """
    terms = [_field_term(text, term) for term in sorted(_split_terms(text)) if term]
    return FieldSelector(tuple(term for term in terms if term.field or term.value))


def _split_terms(text: str) -> list[str]:
    """Split at commas that no backslash escapes; escapes stay as they are."""
    return _TERMS.findall(text)


def _field_term(text: str, term: str) -> FieldTerm:
    match = _TERM.fullmatch(term)
    if match is None:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
    field, operator, value = match.groups()
    return FieldTerm(field, "!=" if operator == "!=" else "=", _ESCAPES.sub(_unescape, value))


def _unescape(match: re.Match[str]) -> str:
    escaped, bare = match.groups()
    if bare:
        raise SelectorError(f"invalid field selector: unescaped character in value: {ord(bare)}")
    if escaped not in ("\\", ",", "="):
        raise SelectorError(f"invalid field selector: invalid escape sequence: \\{escaped}")
    return str(escaped)
