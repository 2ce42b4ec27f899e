"""The ``spec`` of a SubjectAccessReview, as the API server library writes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kubevitals.api.request import Attributes
from kubevitals.api.text import well_formed
from kubevitals.model import User

_FIELD_OPERATORS = {"=": "In", "==": "In", "!=": "NotIn"}
_LABEL_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")  # the API knows no Gt and Lt
_SELECTING_VERBS = ("list", "watch", "deletecollection")


class _Requirement(msgspec.Struct, omit_defaults=True):
    key: str
    operator: str
    values: Sequence[str] = ()


class _Selector(msgspec.Struct, omit_defaults=True):
    requirements: Sequence[_Requirement] = ()


class _ResourceAttributes(msgspec.Struct, omit_defaults=True, rename="camel"):
    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    field_selector: _Selector | None = None
    label_selector: _Selector | None = None


class _NonResourceAttributes(msgspec.Struct, omit_defaults=True):
    path: str = ""
    verb: str = ""


class _Spec(msgspec.Struct, omit_defaults=True, rename="camel"):
    resource_attributes: _ResourceAttributes | None = None
    non_resource_attributes: _NonResourceAttributes | None = None
    user: str = ""
    groups: Sequence[str] = ()
    extra: dict[str, Sequence[str]] = {}
    uid: str = ""


def spec_of(user: User, asked: Attributes) -> bytes:
    """Return the spec as JSON: fields in Kubernetes' order, empty ones left out, extra sorted by key.

    Equal questions give equal bytes, so that the answer can be remembered by them.
    """
    spec = _Spec(
        resource_attributes=_resource_attributes(asked) if asked.resource_request else None,
        non_resource_attributes=None if asked.resource_request else _path_attributes(asked),
        user=user.name,
        groups=user.groups,
        extra={key: user.extra[key] for key in sorted(user.extra)},
        uid=user.uid,
    )
    return msgspec.json.encode(spec)


def _path_attributes(asked: Attributes) -> _NonResourceAttributes:
    return _NonResourceAttributes(well_formed(asked.path), well_formed(asked.verb))


def _resource_attributes(asked: Attributes) -> _ResourceAttributes:
    selects = asked.verb in _SELECTING_VERBS
    return _ResourceAttributes(
        namespace=well_formed(asked.namespace),
        verb=asked.verb,
        group=well_formed(asked.group),
        version=well_formed(asked.version),
        resource=well_formed(asked.resource),
        subresource=well_formed(asked.subresource),
        name=well_formed(asked.name),
        field_selector=_fields(asked) if selects else None,
        label_selector=_labels(asked) if selects else None,
    )


def _fields(asked: Attributes) -> _Selector | None:
    return _selector(
        [
            _Requirement(well_formed(term.field), _FIELD_OPERATORS[term.operator], (well_formed(term.value),))
            for term in asked.field_requirements
        ]
    )


def _labels(asked: Attributes) -> _Selector | None:
    return _selector(
        [
            _Requirement(each.key, each.operator, each.values)
            for each in asked.label_requirements
            if each.operator in _LABEL_OPERATORS
        ]
    )


def _selector(requirements: list[_Requirement]) -> _Selector | None:
    return _Selector(requirements) if requirements else None
