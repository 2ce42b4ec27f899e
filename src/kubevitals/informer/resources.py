"""What is followed: where it is listed and watched, and how it is read. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from kubevitals.informer import objects
from kubevitals.informer.objects import ConfigMap, Intern, Page, Versioned
from kubevitals.model import Node, Pod

T = TypeVar("T")

_JSON = "application/json"
# Whoever cannot send metadata alone sends whole objects, which are read the same way.
_METADATA_LIST = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{_JSON}"
_METADATA = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{_JSON}"


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """One collection of objects.

    Args:
        name: for logs and advice, such as ``nodes``.
        path: of list and watch.
        decode_list: reads a list's body.
        decode_item: reads the object of a watch event.
        params: of list and watch, such as a field selector.
        list_accept: the Accept header of a list.
        watch_accept: the Accept header of a watch.
        granted_by: the role that comes with Kubernetes for it, and where to bind it; empty where there is none.
    """

    name: str
    path: str
    decode_list: Callable[[bytes], Page[T]]
    decode_item: Callable[[msgspec.Raw], Versioned[T]]
    params: tuple[tuple[str, str], ...] = ()
    list_accept: str = _JSON
    watch_accept: str = _JSON
    granted_by: str = ""


def nodes(labels: Intern) -> Resource[Node]:
    """All nodes."""
    return Resource(
        name="nodes",
        path="/api/v1/nodes",
        decode_list=functools.partial(objects.decode_node_list, labels=labels),
        decode_item=functools.partial(objects.decode_node, labels=labels),
    )


def running_pods(labels: Intern) -> Resource[Pod]:
    """The metadata of all running pods; one that stops running is reported as deleted."""
    return Resource(
        name="pods",
        path="/api/v1/pods",
        decode_list=functools.partial(objects.decode_pod_list, labels=labels),
        decode_item=functools.partial(objects.decode_pod, labels=labels),
        params=(("fieldSelector", "status.phase=Running"),),
        list_accept=_METADATA_LIST,
        watch_accept=_METADATA,
    )


def config_map(namespace: str, name: str) -> Resource[ConfigMap]:
    """One ConfigMap; a role that names it allows list and watch only with this field selector."""
    return Resource(
        name=f"configmaps/{name}",
        path=f"/api/v1/namespaces/{namespace}/configmaps",
        decode_list=objects.decode_config_map_list,
        decode_item=objects.decode_config_map,
        params=(("fieldSelector", f"metadata.name={name}"),),
        granted_by=f"the Role {name}-reader in {namespace}",
    )
