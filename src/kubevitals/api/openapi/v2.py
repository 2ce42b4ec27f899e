"""The Swagger 2.0 document at ``/openapi/v2``, which the API server merges into the cluster's.

Only the schemas of this group are named. Those that every group shares are written out where they occur: the
API server renames a definition whose name it knows with other content, and clients would see the new name.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubevitals.api.openapi import operations
from kubevitals.api.openapi.operations import Operation, Parameter
from kubevitals.api.openapi.schemas import SHARED, Schema, rendered


def document(title: str, release: str, asked: Iterable[Operation], schemas: dict[str, Schema]) -> Schema:
    """Return the document.

    Args:
        title: the name of the program.
        release: its version.
        asked: what can be asked.
        schemas: what is answered, by name.
    """
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": release},
        "paths": {operation.path: {"get": _operation(operation)} for operation in asked},
        "definitions": {name: rendered(schema, _refer) for name, schema in sorted(schemas.items())},
    }


def _refer(name: str, description: str) -> Schema:
    said = {"description": description} if description else {}
    if name not in SHARED:
        return {**said, "$ref": f"#/definitions/{name}"}
    schema = {**rendered(SHARED[name], _refer), **said}
    if schema.pop("oneOf", None):  # Swagger 2.0 knows no alternatives; what is sent is a string
        schema["type"] = "string"
    return schema


def _operation(operation: Operation) -> Schema:
    success = {"description": "OK", "schema": _refer(operation.response, "")}
    responses = {"200": success, "401": {"description": "Unauthorized"}}
    described = operations.described(operation, _parameter)
    return {**described, "produces": operations.MEDIA_TYPES, "responses": responses, "schemes": ["https"]}


def _parameter(parameter: Parameter) -> Schema:
    result: Schema = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "type": "string",
        "uniqueItems": True,
    }
    if parameter.where == "path":
        result["required"] = True
    return result
