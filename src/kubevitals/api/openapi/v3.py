"""The OpenAPI 3.0 documents below ``/openapi/v3``, one for the group and one for each version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubevitals.api.openapi import operations
from kubevitals.api.openapi.operations import Operation, Parameter
from kubevitals.api.openapi.schemas import SHARED, Schema, rendered


def document(title: str, release: str, asked: Iterable[Operation], schemas: Mapping[str, Schema]) -> Schema:
    """Return the document of the group or of one version.

    Args:
        title: the name of the program.
        release: its version.
        asked: what can be asked.
        schemas: what is answered, by name; shared schemas are added as they are needed.
    """
    asked = list(asked)
    components = _components([operation.response for operation in asked], {**SHARED, **schemas})
    return {
        "openapi": "3.0.0",
        "info": {"title": title, "version": release},
        "paths": {operation.path: {"get": _operation(operation)} for operation in asked},
        "components": {"schemas": components},
    }


def _components(wanted: list[str], known: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the wanted schemas and every schema that one of them leads to, by name."""
    found: dict[str, Schema] = {}

    def refer(name: str, description: str) -> Schema:
        wanted.append(name)
        reference = {"$ref": f"#/components/schemas/{name}"}
        # Nothing may stand beside a $ref in OpenAPI 3.0, so a description needs a wrapping.
        return {"description": description, "allOf": [reference]} if description else reference

    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = rendered(known[name], refer)
    return dict(sorted(found.items()))


def _operation(operation: Operation) -> Schema:
    reference = {"$ref": f"#/components/schemas/{operation.response}"}
    content = {media_type: {"schema": reference} for media_type in operations.MEDIA_TYPES}
    responses = {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}}
    return {**operations.described(operation, _parameter), "responses": responses}


def _parameter(parameter: Parameter) -> Schema:
    result: Schema = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "schema": {"type": "string", "uniqueItems": True},
    }
    if parameter.where == "path":
        result["required"] = True
    return result
