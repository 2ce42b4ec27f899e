"""The head that all objects have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kubevitals.manifests.options import Options

Manifest = dict[str, Any]
NO_LABELS: Mapping[str, str] = MappingProxyType({})


def manifest(
    version: str, kind: str, options: Options, name: str, *, namespace: str = "", labels: Mapping[str, str] = NO_LABELS
) -> Manifest:
    """Return an object without its content; no namespace means that it belongs to the cluster.

    Args:
        version: ``apiVersion``, such as ``apps/v1``.
        kind: such as ``Deployment``.
        options: whose label every object carries.
        name: of the object.
        namespace: of the object.
        labels: further ones, beside the options'.
    """
    metadata: Manifest = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["labels"] = {**options.labels, **labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
