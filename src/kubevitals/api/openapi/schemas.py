"""The shapes that are answered, described once for both versions of OpenAPI.

A schema is written as in OpenAPI, but for references: ``{"ref": NAME, "description": TEXT}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubevitals.api.group import GROUP

Schema = dict[str, Any]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
API_GROUP = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup"
API_RESOURCE_LIST = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList"
_API_RESOURCE = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResource"
_GROUP_VERSION = "io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery"
_TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.Time"
_DURATION = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def model(version: str, kind: str) -> str:
    """Return the name under which the schema of a kind is published, which the API server knows."""
    return f"io.k8s.metrics.pkg.apis.metrics.{version}.{kind}"


def rendered(schema: Mapping[str, Any], refer: Callable[[str, str], Schema]) -> Schema:
    """Return a schema with every reference replaced by what ``refer`` makes of its name and description."""
    if "ref" in schema:
        return refer(schema["ref"], schema.get("description", ""))
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {key: rendered(value, refer) for key, value in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            result[key] = rendered(schema[key], refer)
    return result


def _string(description: str) -> Schema:
    return {"type": "string", "description": description}


def _strings(description: str) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _ref(name: str, description: str) -> Schema:
    return {"ref": name, "description": description}


def _array(name: str, description: str) -> Schema:
    return {"type": "array", "items": {"ref": name}, "description": description}


def _object(description: str, properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    schema: Schema = {"type": "object", "description": description}
    if required:
        schema["required"] = list(required)
    return {**schema, "properties": properties}


_TYPE = {
    "apiVersion": _string("The group and version of the API that this object is written in."),
    "kind": _string("The type of this object, in CamelCase."),
}
_TIMESTAMP = _ref(_TIME, "When the measurement was taken: the end of the window.")
_WINDOW = _ref(_DURATION, "How long the CPU was observed to arrive at the rate given; the window ends at timestamp.")


def _usage(description: str) -> Schema:
    return {"type": "object", "additionalProperties": {"ref": _QUANTITY}, "description": description}


def metrics(version: str) -> dict[str, Schema]:
    """Return the schemas of one version of the group, by name."""
    kinds = {
        "NodeMetrics": _measured("What one node uses of its resources.", "usage", _NODE_USAGE),
        "NodeMetricsList": _list("The nodes that exist and have been measured.", model(version, "NodeMetrics")),
        "PodMetrics": _measured("What one running pod uses.", "containers", _containers(version)),
        "PodMetricsList": _list("The pods that run and have been measured.", model(version, "PodMetrics")),
    }
    schemas = {model(version, kind): _known(schema, version, kind) for kind, schema in kinds.items()}
    return {**schemas, model(version, "ContainerMetrics"): _CONTAINER_METRICS}


_NODE_USAGE = _usage("CPU in cores, as a rate over the window, and working-set memory in bytes, of the whole node.")
_CONTAINER_METRICS = _object(
    "What one container uses of its resources.",
    {
        "name": _string("The container's name within its pod."),
        "usage": _usage("CPU in cores, as a rate over the pod's window, and working-set memory in bytes."),
    },
    ("name", "usage"),
)


def _containers(version: str) -> Schema:
    return _array(model(version, "ContainerMetrics"), "Every container of the pod, sorted by name.")


def _measured(description: str, field: str, schema: Schema) -> Schema:
    metadata = _ref(OBJECT_META, "Name, namespace and labels of the object that was measured.")
    fields = {**_TYPE, field: schema, "metadata": metadata, "timestamp": _TIMESTAMP, "window": _WINDOW}
    return _object(description, dict(sorted(fields.items())), tuple(sorted((field, "timestamp", "window"))))


def _list(description: str, item: str) -> Schema:
    items = _array(item, "The objects, sorted by namespace and name.")
    metadata = _ref(LIST_META, "The version of the list.")
    return _object(description, {**_TYPE, "items": items, "metadata": metadata}, ("items",))


def _known(schema: Schema, version: str, kind: str) -> Schema:
    known = {"group": GROUP, "kind": kind, "version": version}
    return {**schema, "x-kubernetes-group-version-kind": [known]}


SHARED: dict[str, Schema] = {
    _QUANTITY: {
        "description": "A number with an optional suffix: n, u and m for fractions, Ki, Mi and Gi for bytes.",
        # Without a type of its own, kubectl explain prints the name Quantity.
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
    _DURATION: _string("A span of time such as 15s, 1m30s or 15.012s."),
    _TIME: {
        "type": "string",
        "format": "date-time",
        "description": "A point in time, as RFC 3339 writes it.",
    },
    LIST_META: _object(
        "What a list says about itself.",
        {"resourceVersion": _string("Changes whenever anything in the list may have changed.")},
    ),
    OBJECT_META: _object(
        "What identifies an object; a measurement carries over the part that is needed to find it.",
        {
            "creationTimestamp": _ref(_TIME, "When the measured node or pod was created."),
            "labels": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "The labels that the measured node or pod has now.",
            },
            "name": _string("The name of the measured node or pod."),
            "namespace": _string("The namespace of the measured pod; absent for nodes."),
            "resourceVersion": _string("Changes with every measurement."),
        },
    ),
    API_GROUP: _object(
        "A group of the API and the versions it is served in.",
        {
            **_TYPE,
            "name": _string("The name of the group."),
            "preferredVersion": _ref(_GROUP_VERSION, "The version to use unless there is a reason for another."),
            "versions": _array(_GROUP_VERSION, "Every version that is served."),
        },
        ("name", "versions"),
    ),
    _GROUP_VERSION: _object(
        "One version of a group.",
        {
            "groupVersion": _string("Group and version, separated by a slash."),
            "version": _string("The version alone."),
        },
        ("groupVersion", "version"),
    ),
    API_RESOURCE_LIST: _object(
        "The resources of one version of a group.",
        {
            **_TYPE,
            "groupVersion": _string("Group and version, separated by a slash."),
            "resources": _array(_API_RESOURCE, "Every resource that is served."),
        },
        ("groupVersion", "resources"),
    ),
    _API_RESOURCE: _object(
        "One resource and what can be done with it.",
        {
            "kind": _string("The kind of its objects."),
            "name": _string("Its plural name, as it stands in paths."),
            "namespaced": {"type": "boolean", "description": "Whether its objects live in namespaces."},
            "singularName": _string("Its singular name; empty to derive it from the kind."),
            "verbs": _strings("What can be done with it."),
        },
        ("kind", "name", "namespaced", "singularName", "verbs"),
    ),
}
