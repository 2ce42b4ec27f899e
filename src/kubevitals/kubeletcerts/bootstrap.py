"""Whether kubelets ask for certificates at all: ``serverTLSBootstrap`` of their running configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec

from kubevitals.errors import ApiServerError
from kubevitals.kube.client import ApiClient

_MOST: Final = 10  # nodes that are asked
_SECONDS: Final = 5.0  # for each


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Which of the kubelets that answered have it on and off, by node; the others did not or may not be asked."""

    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()


class _Config(msgspec.Struct, rename={"on": "serverTLSBootstrap"}):
    on: bool = False


class _Answer(msgspec.Struct):
    kubeletconfig: _Config


async def sample(client: ApiClient, nodes: Sequence[str]) -> Bootstrap:
    """Ask the first few kubelets through the API server; one that cannot be asked is left out."""
    asked = nodes[:_MOST]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_bootstraps(client, node)) for node in asked]
    found = [task.result() for task in tasks]
    return Bootstrap(
        tuple(node for node, on in zip(asked, found, strict=True) if on is True),
        tuple(node for node, on in zip(asked, found, strict=True) if on is False),
    )


async def _bootstraps(client: ApiClient, node: str) -> bool | None:
    path = f"/api/v1/nodes/{quote(node, safe='')}/proxy/configz"
    try:
        body = await client.get(path, timeout=_SECONDS)
        return msgspec.json.decode(body, type=_Answer).kubeletconfig.on
    except (ApiServerError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
