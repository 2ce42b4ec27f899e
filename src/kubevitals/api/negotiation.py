"""From an Accept header to the form of an answer. Pure.

The rules are those of the API server: clauses by quality, then as sent, and a wildcard gives way to whatever
definite type comes behind it. Parameters ``as``, ``g`` and ``v`` ask for another shape of the same answer, and a
clause that asks for an impossible one is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, NamedTuple

from kubevitals.api import status
from kubevitals.api.status import Status

Media = Literal["json", "yaml", "protobuf"]

DISCOVERY_GROUP = "apidiscovery.k8s.io"
DISCOVERY_KIND = "APIGroupDiscoveryList"
_META_GROUP = "meta.k8s.io"

# In the order in which a wildcard picks them.
_OFFERED: dict[Media, tuple[str, str]] = {
    "json": ("application", "json"),
    "yaml": ("application", "yaml"),
    "protobuf": ("application", "vnd.kubernetes.protobuf"),
}
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})  # what strconv.ParseBool takes for true
_PEOPLE = ("curl", "Wget", "Mozilla/5.0")
_FEW = 12  # clauses that Go's library sorts by insertion


class Endpoint(Enum):
    """What kind of answer a path gives, which decides what its Accept header may ask for."""

    LIST = "list"
    OBJECT = "object"
    DISCOVERY = "discovery"  # one group, or one version's resources
    GROUPS = "groups"  # /apis, which also has the aggregated form
    VERSION = "version"  # /version, which is JSON and nothing else


class Transform(NamedTuple):
    """Another shape of an answer: ``Table``, ``PartialObjectMetadata(List)`` or ``APIGroupDiscoveryList``."""

    kind: str
    group: str
    version: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The form of an answer. ``include_object`` (``Metadata``, ``Object``, ``None``) is for a Table only."""

    media: Media = "json"
    transform: Transform | None = None
    pretty: bool = False
    include_object: str = "Metadata"

    @property
    def content_type(self) -> str:
        """The Content-Type: the bare media type; aggregated discovery adds the parameters clients compare."""
        media_type = "/".join(_OFFERED[self.media])
        if self.transform and self.transform.kind == DISCOVERY_KIND:
            kind, group, version = self.transform
            return f"{media_type};g={group};v={version};as={kind}"
        return media_type


FALLBACK = Choice(pretty=True)
"""How an error is sent to a caller who accepts none of the offered forms: indented JSON."""


class _Clause(NamedTuple):
    type: str
    subtype: str
    quality: float
    parameters: Mapping[str, str]


def negotiate(accept: str, endpoint: Endpoint, *, pretty: bool = False) -> Choice | Status:
    """Choose the form of an answer.

    ``application/*`` and ``*`` are met with JSON: the API server's router refuses them, its negotiation would not.

    Args:
        accept: the first Accept header, empty when absent.
        endpoint: what kind of answer the path gives.
        pretty: whether JSON is to be indented (see ``wants_pretty``).

    Returns:
        the choice, or the Status 406 to answer with.
    """
    if not accept:
        return Choice(pretty=pretty)
    clauses = _clauses(accept)
    produced = ("json",) if endpoint is Endpoint.VERSION else tuple(_OFFERED)
    if not any(_matches(clause, media) for clause in clauses for media in produced):
        types = tuple("/".join(_OFFERED[media]) for media in produced)
        return status.not_acceptable_route(types, streams=endpoint is Endpoint.LIST)
    if endpoint is Endpoint.VERSION:
        return Choice()
    if endpoint is Endpoint.GROUPS:
        aggregated = _first(clauses, endpoint, pretty, discovery=True)
        if aggregated:
            return aggregated
    return _first(clauses, endpoint, pretty) or status.not_acceptable()


def negotiate_error(accept: str, *, pretty: bool = False) -> Choice:
    """Choose the form of an error: what the caller accepts without any transform, else indented JSON."""
    chosen = negotiate(accept, Endpoint.DISCOVERY, pretty=pretty)
    return FALLBACK if isinstance(chosen, Status) else chosen


def first_accepted(accept: str, types: Sequence[str]) -> str:
    """Return the media type, of those that there are, that an Accept header puts first; empty when it takes none."""
    for clause in _clauses(accept or "*/*"):
        for media_type in types:
            major, _, minor = media_type.partition("/")
            if clause.type in (major, "*") and clause.subtype in (minor, "*"):
                return media_type
    return ""


def wants_pretty(parameter: str, user_agent: str) -> bool:
    """Tell whether to indent JSON: as the ``pretty`` parameter says, else for programs that people watch."""
    if parameter:
        return parameter in _TRUE
    return user_agent.startswith(_PEOPLE)


def with_include_object(choice: Choice, parameter: str) -> Choice | Status:
    """Return the choice with ``includeObject`` applied, or the Status 400; only a Table reads it."""
    if choice.transform is None or choice.transform.kind != "Table" or not parameter:
        return choice
    if parameter not in ("None", "Metadata", "Object"):
        return status.bad_include_object(parameter)
    return replace(choice, include_object=parameter)


def mismatch(choice: Choice, kind: str, *, single: bool) -> Status | None:
    """Return the Status 406 when one object's metadata was asked of a list, or the reverse; else None.

    Args:
        choice: what was negotiated.
        kind: the object's kind, such as ``NodeMetrics``.
        single: whether the answer is one object.
    """
    wanted = choice.transform.kind if choice.transform else ""
    if wanted == "PartialObjectMetadata" and not single:
        return status.is_a_list(kind)
    if wanted == "PartialObjectMetadataList" and single:
        return status.not_a_list(kind)
    return None


# --- clauses ------------------------------------------------------------------------------------------------


def _clauses(accept: str) -> list[_Clause]:
    """Parse an Accept header; the clauses come in the order in which they are tried."""
    parsed = [clause for part in accept.split(",") if (clause := _clause(part.strip()))]
    if len(parsed) > _FEW:
        return sorted(parsed, key=lambda clause: (-clause.quality, clause.type == "*", clause.subtype == "*"))
    ranked: list[_Clause] = []
    for clause in parsed:
        place = len(ranked)
        while place and _before(clause, ranked[place - 1]):
            place -= 1
        ranked.insert(place, clause)
    return ranked


def _before(clause: _Clause, other: _Clause) -> bool:
    """Tell whether a clause is tried before one that was sent earlier.

    No order in the strict sense, which is why it matters how few clauses are sorted: a definite type comes before
    a wildcard even if its quality is lower.
    """
    if clause.quality > other.quality:
        return True
    return (clause.type != "*" and other.type == "*") or (clause.subtype != "*" and other.subtype == "*")


def _clause(text: str) -> _Clause | None:
    media_type, *rest = text.split(";")
    major, slash, minor = (part.strip() for part in media_type.partition("/"))
    if "/" in minor or (not slash and major != "*"):
        return None
    parameters = dict(_parameters(rest))
    quality = _quality(parameters.pop("q", "1"))
    return _Clause(major, minor if slash else "*", quality, parameters)


def _parameters(parts: list[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        key, _, value = part.partition("=")
        if value and "=" not in value:
            yield key.strip(), value.strip()


def _quality(text: str) -> float:
    """Return the quality; one that is no number counts as 0, which ranks late and does not exclude its type."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _matches(clause: _Clause, media: Media) -> bool:
    major, minor = _OFFERED[media]
    if clause.type == "*":
        return clause.subtype == "*"
    return clause.type == major and clause.subtype in (minor, "*")


def _first(clauses: list[_Clause], endpoint: Endpoint, pretty: bool, *, discovery: bool = False) -> Choice | None:
    for clause in clauses:
        for media in _OFFERED:
            if _matches(clause, media) and _allowed(clause, media, endpoint, discovery):
                indented = pretty or clause.parameters.get("pretty") == "1"
                return Choice(media, _transform(clause), indented)
    return None


def _allowed(clause: _Clause, media: Media, endpoint: Endpoint, discovery: bool) -> bool:
    stream = clause.parameters.get("stream", "")
    if stream and (stream != "watch" or media == "yaml"):
        return False
    version = clause.parameters.get("sv", "")
    resource = endpoint in (Endpoint.LIST, Endpoint.OBJECT)
    if version and not (resource and version == "v1"):
        return False
    transform = _transform(clause)
    if discovery:
        return transform is not None and _is_aggregated(transform)
    return transform is None or (resource and _is_meta(transform, media))


def _transform(clause: _Clause) -> Transform | None:
    given = clause.parameters
    if not given.keys() & {"as", "g", "v"}:
        return None
    return Transform(given.get("as", ""), given.get("g", ""), given.get("v", ""))


def _is_aggregated(transform: Transform) -> bool:
    known = transform.kind == DISCOVERY_KIND and transform.group == DISCOVERY_GROUP
    return known and transform.version in ("v2", "v2beta1")


def _is_meta(transform: Transform, media: Media) -> bool:
    if transform.group != _META_GROUP or transform.version not in ("v1", "v1beta1"):
        return False
    if transform.kind == "Table":
        return media != "protobuf"
    return transform.kind in ("PartialObjectMetadata", "PartialObjectMetadataList")
