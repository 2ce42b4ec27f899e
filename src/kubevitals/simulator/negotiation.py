"""Which form of a document a client accepts, by its Accept header. Pure."""

from __future__ import annotations

from typing import NamedTuple


class MediaType(NamedTuple):
    """One entry of an Accept header, such as ``application/json;as=Table;g=meta.k8s.io;v=v1``."""

    type: str
    parameters: dict[str, str]


def accepted(header: str) -> list[MediaType]:
    """Return the entries in order; an empty header accepts anything."""
    found = []
    for entry in (header or "*/*").split(","):
        media, *parameters = (part.strip() for part in entry.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        found.append(MediaType(media.lower(), {key.strip(): value.strip(' "') for key, _, value in pairs}))
    return found


def object_form(header: str) -> str | None:
    """Return the form of objects to serve: ``""`` whole, ``"metadata"`` only that, None: not acceptable.

    Only JSON is served. A Table is passed over, which clients that print tables accept.
    """
    for media in accepted(header):
        wanted = media.parameters.get("as", "")
        if media.type not in ("application/json", "application/*", "*/*"):
            continue
        if not wanted:
            return ""
        if wanted.startswith("PartialObjectMetadata") and media.parameters.get("g") == "meta.k8s.io":
            return "metadata"
    return None


def discovery_version(header: str) -> str:
    """Return the version of aggregated discovery to serve: ``v2``, ``v2beta1``, or empty for legacy."""
    for media in accepted(header):
        if media.type not in ("application/json", "application/*", "*/*"):
            continue
        wanted = media.parameters
        if wanted.get("as") == "APIGroupDiscoveryList" and wanted.get("v") in ("v2", "v2beta1"):
            return wanted["v"]
        if not wanted.get("as"):
            return ""
    return ""
