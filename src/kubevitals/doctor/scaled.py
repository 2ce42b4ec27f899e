"""Looks at what autoscalers scale, where pods lack requests: before Kubernetes 1.26 they do not say which container."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from kubevitals.doctor.evidence import Seen
from kubevitals.doctor.looker import Looker
from kubevitals.doctor.objects import Autoscaler, Workload
from kubevitals.doctor.wordings import NO_REQUEST

_PLURALS: Final = {"Deployment": "deployments", "ReplicaSet": "replicasets", "StatefulSet": "statefulsets"}
_MOST: Final = 10


async def scaled(looker: Looker, autoscalers: Sequence[Autoscaler]) -> Mapping[str, Seen[Workload]]:
    """Return what those scale that miss requests, of a few, by namespace and name of the autoscaler."""
    paths = {item.metadata.key: _path(item) for item in autoscalers if _misses(item)}
    chosen = dict(list(paths.items())[:_MOST])
    async with asyncio.TaskGroup() as group:
        tasks = {key: group.create_task(looker.one(path, Workload)) for key, path in chosen.items()}
    return {key: task.result() for key, task in tasks.items()}


def _misses(item: Autoscaler) -> bool:
    said = item.status.condition("ScalingActive")
    return item.spec.scale_target_ref.kind in _PLURALS and said is not None and bool(NO_REQUEST.search(said.message))


def _path(item: Autoscaler) -> str:
    target = item.spec.scale_target_ref
    return f"/apis/apps/v1/namespaces/{item.metadata.namespace}/{_PLURALS[target.kind]}/{target.name}"
