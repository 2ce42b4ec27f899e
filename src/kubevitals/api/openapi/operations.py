"""What can be asked, described once for both versions of OpenAPI."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kubevitals.api.group import GROUP
from kubevitals.api.openapi.schemas import API_GROUP, API_RESOURCE_LIST, Schema, model

MEDIA_TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]


class Parameter(NamedTuple):
    """One parameter of a path (``path``) or of the query (``query``)."""

    name: str
    where: str
    description: str


class Operation(NamedTuple):
    """One GET. ``action`` and ``kind`` are empty for the documents of discovery."""

    path: str
    id: str
    tag: str
    description: str
    response: str
    version: str = ""
    action: str = ""
    kind: str = ""
    parameters: tuple[Parameter, ...] = ()


def described(operation: Operation, parameter: Callable[[Parameter], Schema]) -> Schema:
    """Return what both versions of OpenAPI say of an operation alike; ``parameter`` renders one parameter."""
    result: Schema = {
        "description": operation.description,
        "operationId": operation.id,
        "tags": [operation.tag],
    }
    if operation.parameters:
        result["parameters"] = [parameter(given) for given in operation.parameters]
    if operation.kind:
        known = {"group": GROUP, "kind": operation.kind, "version": operation.version}
        result |= {"x-kubernetes-action": operation.action, "x-kubernetes-group-version-kind": known}
    return result


_NAME = Parameter("name", "path", "The name of the node or pod.")
_NAMESPACE = Parameter("namespace", "path", "The namespace to look in.")
_PRETTY = Parameter("pretty", "query", "Whether to indent JSON.")
_SELECTORS = (
    Parameter("fieldSelector", "query", "Restricts the list by metadata.name and metadata.namespace."),
    Parameter("labelSelector", "query", "Restricts the list to objects whose present labels match."),
    _PRETTY,
)


def group_operations() -> list[Operation]:
    """Return what can be asked about the group as a whole."""
    return [Operation(f"/apis/{GROUP}/", "getMetricsAPIGroup", "metrics", "Describe the group.", API_GROUP)]


def version_operations(version: str) -> list[Operation]:
    """Return what can be asked in one version of the group."""
    base, tag = f"/apis/{GROUP}/{version}", f"metrics_{version}"
    prefix = f"Metrics{version.capitalize()}"
    resources = f"get{prefix}APIResources"
    discovery = Operation(f"{base}/", resources, tag, "List the resources of this version.", API_RESOURCE_LIST)

    def get(path: str, suffix: str, kind: str, description: str, *scope: Parameter) -> Operation:
        single = path.endswith("{name}")
        verb, answer = ("read", kind) if single else ("list", f"{kind}List")
        parameters = (*scope, _PRETTY) if single else (*scope, *_SELECTORS)
        action = "get" if single else "list"
        response = model(version, answer)
        identity = f"{verb}{prefix}{suffix}"
        return Operation(base + path, identity, tag, description, response, version, action, kind, parameters)

    pods = "/namespaces/{namespace}/pods"
    return [
        discovery,
        get(pods, "NamespacedPodMetrics", "PodMetrics", "Measure the pods of a namespace.", _NAMESPACE),
        get(f"{pods}/{{name}}", "NamespacedPodMetrics", "PodMetrics", "Measure one pod.", _NAME, _NAMESPACE),
        get("/nodes", "NodeMetrics", "NodeMetrics", "Measure the nodes."),
        get("/nodes/{name}", "NodeMetrics", "NodeMetrics", "Measure one node.", _NAME),
        get("/pods", "PodMetricsForAllNamespaces", "PodMetrics", "Measure the pods of every namespace."),
    ]
