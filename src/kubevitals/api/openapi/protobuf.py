"""The Swagger 2.0 document as a protocol buffer, for clients of kubectl's generation before 1.27.

The messages are those of OpenAPIv2.proto by the gnostic project, as far as the document uses them. Whatever is a map
in JSON is there a list of names and values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kubevitals.api.encoding.wire import blob, integer, text

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OLD_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
"""What clients still ask for; it is no well-formed media type, so that the answer bears the other name."""

_Object = Mapping[str, Any]
# Where a parameter's message stands, and the numbers of its type and of its uniqueness.
_PARAMETERS = {"query": (3, 6, 20), "path": (4, 5, 19)}


def message(document: _Object) -> bytes:
    """Return the message Document.

    Args:
        document: as it is in JSON; what it does not use of Swagger is not looked for.
    """
    info = text(1, document["info"]["title"]) + text(2, document["info"]["version"])
    paths = b"".join(_named(2, path, blob(2, _operation(item["get"]))) for path, item in document["paths"].items())
    return text(1, document["swagger"]) + blob(2, info) + blob(8, paths) + blob(9, _schemas(document["definitions"]))


def _operation(operation: _Object) -> bytes:
    responses = b"".join(_named(1, code, blob(1, _response(each))) for code, each in operation["responses"].items())
    return b"".join(
        [
            _texts(1, operation["tags"]),
            text(3, operation["description"]),
            text(5, operation["operationId"]),
            _texts(6, operation["produces"]),
            *(blob(8, _parameter(each)) for each in operation.get("parameters", ())),
            blob(9, responses),
            _texts(10, operation["schemes"]),
            _extensions(13, operation),
        ]
    )


def _parameter(parameter: _Object) -> bytes:
    kind, type_number, unique = _PARAMETERS[parameter["in"]]
    content = b"".join(
        [
            integer(1, parameter.get("required", False)),
            text(2, parameter["in"]),
            text(3, parameter["description"]),
            text(4, parameter["name"]),
            text(type_number, parameter["type"]),
            integer(unique, parameter["uniqueItems"]),
        ]
    )
    return blob(1, blob(2, blob(kind, content)))


def _response(response: _Object) -> bytes:
    schema = blob(2, blob(1, _schema(response["schema"]))) if "schema" in response else b""
    return text(1, response["description"]) + schema


def _schemas(schemas: _Object) -> bytes:
    return b"".join(_named(1, name, _schema(schema)) for name, schema in schemas.items())


def _schema(schema: _Object) -> bytes:
    parts = [text(number, schema.get(key, "")) for number, key in ((1, "$ref"), (2, "format"), (4, "description"))]
    parts.append(_texts(19, schema.get("required", ())))
    if "additionalProperties" in schema:
        parts.append(blob(21, blob(1, _schema(schema["additionalProperties"]))))
    if "type" in schema:
        parts.append(blob(22, text(1, schema["type"])))
    if "items" in schema:
        parts.append(blob(23, blob(1, _schema(schema["items"]))))
    if "properties" in schema:
        parts.append(blob(25, _schemas(schema["properties"])))
    return b"".join([*parts, _extensions(31, schema)])


def _extensions(number: int, described: _Object) -> bytes:
    """Return what Swagger has no field for; its values are YAML, which JSON is too."""
    found = ((key, value) for key, value in described.items() if key.startswith("x-"))
    return b"".join(_named(number, key, text(2, json.dumps(value))) for key, value in found)


def _named(number: int, name: str, value: bytes) -> bytes:
    return blob(number, text(1, name) + blob(2, value))


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join([text(number, value) for value in values])
