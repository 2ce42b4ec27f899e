"""The documents by which clients find the API: group, versions, resources, and a server's paths. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from kubevitals.api.encoding import encode_document
from kubevitals.api.encoding.json import dumps
from kubevitals.api.etag import etag_of
from kubevitals.api.group import GROUP as GROUP
from kubevitals.api.group import VERSIONS as VERSIONS
from kubevitals.api.negotiation import DISCOVERY_GROUP, DISCOVERY_KIND, Choice

# Exactly these: controllers that watch, delete or count objects act on whatever else is promised here.
VERBS = ("get", "list")


class Resource(NamedTuple):
    """One resource: its plural name, the kind of its objects, and whether they live in namespaces."""

    name: str
    kind: str
    namespaced: bool


RESOURCES = (Resource("nodes", "NodeMetrics", False), Resource("pods", "PodMetrics", True))


def api_group_list(server_address: str) -> dict[str, Any]:
    """Return the document at ``/apis``, which has no apiVersion.

    Args:
        server_address: host and port for clients anywhere; upstream has no host unless told one (``:10250``).
    """
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}
    return {"kind": "APIGroupList", "groups": [{**_group(), "serverAddressByClientCIDRs": [address]}]}


def api_group() -> dict[str, Any]:
    """Return the document at ``/apis/metrics.k8s.io``."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group()}


def api_resource_list(version: str) -> dict[str, Any]:
    """Return the document at ``/apis/metrics.k8s.io/VERSION``."""
    resources = [_resource(resource) for resource in RESOURCES]
    group_version = f"{GROUP}/{version}"
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }


def aggregated(version: str) -> dict[str, Any]:
    """Return the document at ``/apis`` that holds everything at once.

    Args:
        version: that of the document itself, ``v2`` or ``v2beta1``.
    """
    group = {
        "metadata": {"name": GROUP, "creationTimestamp": None},
        "versions": [_discovered_version(version) for version in VERSIONS],
    }
    api_version = f"{DISCOVERY_GROUP}/{version}"
    return {"kind": DISCOVERY_KIND, "apiVersion": api_version, "metadata": {}, "items": [group]}


def aggregated_etag(version: str) -> str:
    """Return the aggregated document's ETag, the same for each of its encodings."""
    return etag_of(dumps(aggregated(version)))


def groups_document(choice: Choice, server_address: str) -> tuple[bytes, str]:
    """Return what ``/apis`` answers, and its ETag; the plain list has none.

    Args:
        choice: negotiated for ``Endpoint.GROUPS``.
        server_address: see ``api_group_list``.
    """
    if choice.transform is None:
        return encode_document(api_group_list(server_address), choice), ""
    version = choice.transform.version
    return encode_document(aggregated(version), choice), aggregated_etag(version)


def root_paths(paths: Iterable[str]) -> bytes:
    """Return the document at ``/``, which is also the body of 404 outside the API: every path, sorted."""
    return json.dumps({"paths": sorted(paths)}, indent=2).encode()


def _group() -> dict[str, Any]:
    versions = [{"groupVersion": f"{GROUP}/{version}", "version": version} for version in VERSIONS]
    return {"name": GROUP, "versions": versions, "preferredVersion": versions[0]}


def _resource(resource: Resource) -> dict[str, Any]:
    # An empty singular name lets kubectl derive "nodemetrics" from the kind; "node" would hide it.
    return {
        "name": resource.name,
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(VERBS),
    }


def _discovered_version(version: str) -> dict[str, Any]:
    resources = [_discovered_resource(resource) for resource in RESOURCES]
    return {"version": version, "resources": resources, "freshness": "Current"}


def _discovered_resource(resource: Resource) -> dict[str, Any]:
    return {
        "resource": resource.name,
        "responseKind": {"group": "", "version": "", "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": "",
        "verbs": list(VERBS),
    }
