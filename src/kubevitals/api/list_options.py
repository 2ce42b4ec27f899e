"""The options of a list: selectors, and what may not be combined. Pure.

The rules and texts are those of ListOptions in k8s.io/apimachinery. Nothing is kept from earlier moments here, so
that paging and versions are checked and otherwise ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kubevitals.api.query import truthy
from kubevitals.errors import KubevitalsError, SelectorError
from kubevitals.quoting import quote
from kubevitals.selectors import FieldSelector, LabelSelector, parse_fields, parse_labels

_INT64 = 1 << 63
_EXACT, _NOT_OLDER = "Exact", "NotOlderThan"  # what resourceVersionMatch may be


class BadQuery(KubevitalsError):
    """A query parameter that does not parse; answered with 400."""


class Cause(NamedTuple):
    """Why an option is not valid: the option, a reason such as ``FieldValueForbidden``, and a sentence without it."""

    field: str
    reason: str
    message: str


class InvalidOptions(KubevitalsError):
    """List options that contradict each other; answered with 422."""

    def __init__(self, causes: list[Cause]) -> None:
        super().__init__("; ".join(f"{cause.field}: {cause.message}" for cause in causes))
        self.causes = causes


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options that have an effect here."""

    labels: LabelSelector
    fields: FieldSelector
    watch: bool = False


def list_options(query: Mapping[str, str]) -> ListOptions:
    """Read and check the options of a list.

    Raises:
        BadQuery: a number or selector that does not parse.
        InvalidOptions: options that may not be combined.
    """
    for key in ("timeoutSeconds", "limit"):
        if key in query:
            _check_int(query[key])
    try:
        labels = parse_labels(query.get("labelSelector", ""))
        fields = parse_fields(query.get("fieldSelector", ""))
    except SelectorError as error:
        raise BadQuery(str(error)) from error
    watch = truthy(query.get("watch"))
    causes = list(_faults_of_watch(query) if watch else _faults_of_list(query))
    if causes:
        raise InvalidOptions(causes)
    return ListOptions(labels, fields, watch)


def check_fields(fields: FieldSelector) -> None:
    """Refuse field labels that this API does not know.

    Raises:
        BadQuery: with upstream's text.
    """
    for term in fields.terms:
        if term.field not in ("metadata.name", "metadata.namespace"):
            known = '"metadata.name", "metadata.namespace"'
            raise BadQuery(f"{quote(term.field)} is not a known field selector: only {known}")


def _check_int(text: str) -> None:
    negative = text[:1] == "-"
    digits = text[1:] if negative or text[:1] == "+" else text
    if not (digits.isascii() and digits.isdigit()):
        raise BadQuery(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    significant = digits.lstrip("0")
    # More digits are out of range whatever they are, and Python refuses to read thousands of them.
    if len(significant) > 19 or int(significant or "0") >= _INT64 + negative:
        raise BadQuery(f"strconv.ParseInt: parsing {quote(text)}: value out of range")


def _faults_of_list(query: Mapping[str, str]) -> Iterator[Cause]:
    match, version = query.get("resourceVersionMatch", ""), query.get("resourceVersion", "")
    if match:
        if not version:
            yield _forbidden("resourceVersionMatch", "is forbidden unless resourceVersion is provided")
        if query.get("continue"):
            yield _forbidden("resourceVersionMatch", "is forbidden when continue is provided")
        if match not in (_EXACT, _NOT_OLDER):
            yield _not_supported(match, _EXACT, _NOT_OLDER, "")
        if match == _EXACT and version == "0":
            yield _forbidden("resourceVersionMatch", '"exact" is forbidden for resourceVersion "0"')
    if "sendInitialEvents" in query:
        yield _forbidden("sendInitialEvents", "is forbidden for list")


def _faults_of_watch(query: Mapping[str, str]) -> Iterator[Cause]:
    match, initial = query.get("resourceVersionMatch", ""), "sendInitialEvents" in query
    if initial and match != _NOT_OLDER:
        sentence = f"Forbidden: sendInitialEvents requires setting resourceVersionMatch to {_NOT_OLDER}"
        yield Cause("resourceVersionMatch", "FieldValueForbidden", sentence)
    if match:
        if not initial:
            yield _forbidden("resourceVersionMatch", "is forbidden for watch unless sendInitialEvents is provided")
        if match != _NOT_OLDER:
            yield _not_supported(match, _NOT_OLDER)
        if query.get("continue"):
            yield _forbidden("resourceVersionMatch", "is forbidden when continue is provided")


def _forbidden(field: str, why: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {field} {why}")


def _not_supported(match: str, *supported: str) -> Cause:
    listed = ", ".join(map(quote, supported))
    sentence = f"Unsupported value: {quote(match)}: supported values: {listed}"
    return Cause("resourceVersionMatch", "FieldValueNotSupported", sentence)
