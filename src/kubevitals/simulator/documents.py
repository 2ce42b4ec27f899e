"""Answers to paths that are no objects: version, health and discovery. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import msgspec

from kubevitals.simulator import discovery, negotiation
from kubevitals.simulator.kinds import Object, groups
from kubevitals.simulator.replies import Reply

_OPENAPI_V2_MEDIA = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
# swagger: "2.0", info: {title: "Kubernetes", version: "v1"}, paths: {}
_OPENAPI_V2_PROTOBUF = b"\x0a\x032.0\x12\x10\x0a\nKubernetes\x12\x02v1\x42\x00"
_HEALTH = ("/healthz", "/livez", "/readyz")


class Aggregated(Protocol):
    """What discovery wants to know about aggregated servers."""

    def groups(self) -> Sequence[Object]:
        """Return their groups for aggregated discovery."""
        ...

    def legacy_groups(self) -> Sequence[Object]:
        """Return their groups for the legacy list."""
        ...


def answer(path: str, accept: str, aggregated: Aggregated, url: str) -> Reply | None:
    """Return the document of a path, None when it is not the API server's own."""
    path = path.rstrip("/")
    if path in _HEALTH:
        return Reply(b"ok", content_type="text/plain; charset=utf-8")
    if path == "/version":
        return Reply.of(discovery.VERSION)
    if path == "/openapi/v2":
        return _openapi_v2(accept)
    if path in ("/api", "/apis"):
        return _root(path, accept, aggregated, url)
    group, version = group_version(path)
    if path.startswith("/apis/") and not version:
        return _group(group, aggregated)
    if path == "/api/v1" or (path.startswith("/apis/") and version):
        document = discovery.api_resource_list(group, version)
        return Reply.of(document) if document is not None else None
    return None


def _openapi_v2(accept: str) -> Reply:
    """Return a document without any definition, which clients need before they read OpenAPI v3."""
    if "proto-openapi" in accept:
        return Reply(_OPENAPI_V2_PROTOBUF, content_type=_OPENAPI_V2_MEDIA)
    info = {"title": "Kubernetes", "version": discovery.VERSION["gitVersion"]}
    return Reply.of({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}})


def group_version(path: str) -> tuple[str, str]:
    """Return the group and version that a path of discovery or OpenAPI v3 names; empty when it names none."""
    parts = path.removeprefix("/openapi/v3").strip("/").split("/")
    if parts[0] == "api":
        return "", "".join(parts[1:2])
    return ("".join(parts[1:2]), "".join(parts[2:3])) if parts[0] == "apis" else ("", "")


def _root(path: str, accept: str, aggregated: Aggregated, url: str) -> Reply:
    version = negotiation.discovery_version(accept)
    core = path == "/api"
    if not version:
        legacy = discovery.api_versions(url) if core else discovery.api_group_list(aggregated.legacy_groups())
        return Reply.of(legacy)
    others = () if core else aggregated.groups()
    body = msgspec.json.encode(discovery.group_discovery_list(version, core=core, aggregated=others))
    etag = f'"{hashlib.sha512(body).hexdigest().upper()}"'
    return Reply(body, content_type=discovery.media_type(version), headers={"ETag": etag, "Vary": "Accept"})


def _group(name: str, aggregated: Aggregated) -> Reply | None:
    own = [discovery.api_group(name, [found[0].version]) for group, found in groups().items() if group == name]
    found = [*own, *(group for group in aggregated.legacy_groups() if group["name"] == name)]
    return Reply.of({"kind": "APIGroup", "apiVersion": "v1", **found[0]}) if found else None
