"""The documents that tell a client what the API server of the simulated cluster serves. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubevitals.simulator import kinds
from kubevitals.simulator.kinds import Kind, Object

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+kubevitals",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def api_versions(address: str) -> Object:
    """Return the legacy document of the core group."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def api_group(name: str, versions: Sequence[str]) -> Object:
    """Return one group; the first version is the preferred one."""
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def api_group_list(aggregated: Sequence[Object]) -> Object:
    """Return the legacy document of all named groups: our own, then those of aggregated servers."""
    own = [api_group(name, [found[0].version]) for name, found in kinds.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [*own, *aggregated]}


def api_resource_list(group: str, version: str) -> Object | None:
    """Return the legacy document of one group and version, None when it is not ours."""
    found = [kind for kind in kinds.groups().get(group, ()) if kind.version == version]
    if not found:
        return None
    resources = [_legacy(kind) for kind in found]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].api_version,
        "resources": resources,
    }


def group_discovery_list(version: str, *, core: bool, aggregated: Sequence[Object] = ()) -> Object:
    """Return aggregated discovery (``v2`` or ``v2beta1``) of the core group, or of all named ones."""
    own = [_group(name, found) for name, found in kinds.groups().items() if (name == "") == core]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [*own, *aggregated],
    }


def media_type(version: str) -> str:
    """Return the Content-Type of aggregated discovery."""
    return f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"


def aggregated_group(name: str, versions: Sequence[Object]) -> Object:
    """Return one group of aggregated discovery."""
    return {"metadata": {"name": name, "creationTimestamp": None}, "versions": list(versions)}


def from_resource_list(version: str, document: Object) -> Object:
    """Turn the legacy document of an aggregated server into a version of aggregated discovery."""
    resources = [
        {
            "resource": resource["name"],
            "responseKind": {"group": "", "version": "", "kind": resource["kind"]},
            "scope": "Namespaced" if resource["namespaced"] else "Cluster",
            "singularResource": resource.get("singularName", ""),
            "verbs": resource["verbs"],
        }
        for resource in document.get("resources", ())
    ]
    return {"version": version, "resources": resources, "freshness": "Current"}


def stale(version: str) -> Object:
    """Return a version of a group whose server does not answer."""
    return {"version": version, "freshness": "Stale"}


def _legacy(kind: Kind) -> Object:
    found: Object = {
        "name": kind.resource,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": sorted(kind.verbs),
    }
    return found | ({"shortNames": list(kind.short_names)} if kind.short_names else {})


def _group(name: str, found: Sequence[Kind]) -> Object:
    resources = [_aggregated(kind) for kind in found]
    return aggregated_group(name, [{"version": found[0].version, "resources": resources, "freshness": "Current"}])


def _aggregated(kind: Kind) -> Object:
    found: Object = {
        "resource": kind.resource,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.kind.lower(),
        "verbs": sorted(kind.verbs),
    }
    return found | ({"shortNames": list(kind.short_names)} if kind.short_names else {})
