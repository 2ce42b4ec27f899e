"""The Swagger document as a protocol buffer says what it says in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.conformance.decoding import fields

from kubevitals.api import openapi
from kubevitals.api.openapi import protobuf

Read = Callable[[Any], Any]


def texts(value: bytes) -> str:
    return value.decode()


def message(**known: tuple[int, Read] | tuple[int, Read, str]) -> Read:
    """Return what reads a message whose fields are given by name: number, reader, and ``many`` or ``inline``."""
    numbers = {
        given[0]: (name.strip("_"), given[1], given[2] if len(given) > 2 else "") for name, given in known.items()
    }

    def read(data: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, value in fields(data):
            name, reader, how = numbers[number]
            if how == "many":
                found.setdefault(name, []).append(reader(value))
            elif how == "inline":
                found |= reader(value)
            else:
                found[name] = reader(value)
        return found

    return read


def inside(*numbers: int, read: Read) -> Read:
    """Return what reads a message within messages that hold nothing else."""

    def reader(data: bytes) -> Any:
        for number in numbers:
            [(found, data)] = fields(data)  # type: ignore[assignment]
            assert found == number
        return read(data)

    return reader


def named(number: int, read: Read) -> Read:
    """Return what reads a list of names and values as the mapping that it stands for."""

    def reader(data: bytes) -> dict[str, Any]:
        pairs = [dict(fields(value)) for found, value in fields(data) if found == number]  # type: ignore[arg-type]
        return {pair[1].decode(): read(pair[2]) for pair in pairs}  # type: ignore[union-attr]

    return reader


def extension(data: bytes) -> dict[str, Any]:
    pair = dict(fields(data))
    return {texts(pair[1]): yaml.safe_load(inside(2, read=texts)(pair[2]))}  # type: ignore[arg-type]


def schema(data: bytes) -> dict[str, Any]:
    return message(
        ref=(1, texts),
        format=(2, texts),
        description=(4, texts),
        required=(19, texts, "many"),
        additionalProperties=(21, inside(1, read=schema)),
        type=(22, inside(1, read=texts)),
        items=(23, inside(1, read=schema)),
        properties=(25, named(1, schema)),
        extension=(31, extension, "inline"),
    )(data)


def parameter(data: bytes) -> dict[str, Any]:
    [(kind, content)] = fields(inside(1, 2, read=bytes)(data))
    type_number, unique = {3: (6, 20), 4: (5, 19)}[kind]
    common = {"required": (1, bool), "in_": (2, texts), "description": (3, texts), "name": (4, texts)}
    return message(**common, type=(type_number, texts), uniqueItems=(unique, bool))(content)  # type: ignore[arg-type]


RESPONSE = message(description=(1, texts), schema=(2, inside(1, read=schema)))
OPERATION = message(
    tags=(1, texts, "many"),
    description=(3, texts),
    operationId=(5, texts),
    produces=(6, texts, "many"),
    parameters=(8, parameter, "many"),
    responses=(9, named(1, inside(1, read=RESPONSE))),
    schemes=(10, texts, "many"),
    extension=(13, extension, "inline"),
)
DOCUMENT = message(
    swagger=(1, texts),
    info=(2, message(title=(1, texts), version=(2, texts))),
    paths=(8, named(2, message(get=(2, OPERATION)))),
    definitions=(9, named(1, schema)),
)


def with_references(value: Any) -> Any:
    """Spell references as JSON does."""
    if isinstance(value, dict):
        return {"$ref" if key == "ref" else key: with_references(each) for key, each in value.items()}
    return [with_references(each) for each in value] if isinstance(value, list) else value


def test_the_message_says_what_json_says() -> None:
    """Every path, parameter, response and schema is there, with every field that JSON has."""
    document = openapi.swagger("1.2.3")
    assert with_references(DOCUMENT(document.others[protobuf.MEDIA_TYPE])) == json.loads(document.body)


@pytest.mark.parametrize("lost", ["title", "swagger"])
def test_a_difference_would_be_seen(lost: str) -> None:
    """The comparison notices what is missing."""
    document = json.loads(openapi.swagger("1.2.3").body)
    whole = document["info"] if lost == "title" else document
    whole[lost] = ""
    assert with_references(DOCUMENT(protobuf.message(document))) != json.loads(openapi.swagger("1.2.3").body)
