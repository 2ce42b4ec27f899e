"""What the containers of a pod request and are limited to, and what the scheduler makes of it. Pure.

The reckoning is that of ``kubectl describe node``: what runs, sidecars among it, or the greatest init container
with the sidecars that started before it if that is more, and the pod's overhead. What the pod itself sets
(``spec.resources``, Kubernetes 1.34) replaces the sum of its containers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from kubevitals.top.model import NOTHING, Amounts, Bounds, Container, either, plus, plus_if_all
from kubevitals.top.parsing import cpu, memory


class Resources(msgspec.Struct, gc=False):
    """``resources`` of a container or pod."""

    requests: dict[str, str] | None = None
    limits: dict[str, str] | None = None


class ContainerSpec(msgspec.Struct, rename="camel", gc=False):
    """One of ``containers`` or ``initContainers``."""

    name: str = ""
    resources: Resources | None = None
    restart_policy: str | None = None


class Template(msgspec.Struct, rename="camel", gc=False):
    """The part of a pod's ``spec`` that its siblings share."""

    containers: list[ContainerSpec] | None = None
    init_containers: list[ContainerSpec] | None = None
    resources: Resources | None = None
    overhead: dict[str, str] | None = None


class Spec(Template, rename="camel", gc=False):
    """A pod's ``spec``."""

    node_name: str | None = None


class Reckoning(NamedTuple):
    """What comes of a spec; for ``running`` and ``reserved`` see ``model.Pod``."""

    containers: tuple[Container, ...]
    running: Bounds
    reserved: Bounds


_DECODER = msgspec.json.Decoder(Template)


def reckon(spec: Spec) -> Reckoning:
    """Return what a pod's containers are and are bound to; siblings are reckoned with once."""
    shared = Template(spec.containers, spec.init_containers, spec.resources, spec.overhead)
    return _reckoned(msgspec.json.encode(shared))


@lru_cache(maxsize=8192)
def _reckoned(template: bytes) -> Reckoning:
    spec = _DECODER.decode(template)
    return Reckoning(containers(spec), running(spec), reserved(spec))


def containers(spec: Template) -> tuple[Container, ...]:
    """Return what runs as long as the pod does, sidecars (init containers that restart always) first."""
    sidecars = [item for item in spec.init_containers or () if _is_sidecar(item)]
    return tuple(Container(item.name, _bounds(item.resources)) for item in (*sidecars, *(spec.containers or ())))


def running(spec: Template) -> Bounds:
    """Return the bounds of what runs; a limit is None as soon as one container has none."""
    found = containers(spec)
    requests = plus(container.bounds.requests for container in found)
    limits = plus_if_all(container.bounds.limits for container in found)
    return _overridden(spec, Bounds(requests, limits))


def reserved(spec: Template) -> Bounds:
    """Return what the scheduler reckons with, and the sum of the limits that are set."""
    found = [container.bounds for container in containers(spec)]
    starting = _starting(spec)
    requests = either(plus(b.requests for b in found), starting.requests, max)
    limits = either(plus(b.limits for b in found), starting.limits, max)
    total = _overridden(spec, Bounds(requests, limits))
    overhead = _amounts(spec.overhead)
    # An overhead counts against a limit only where there is one.
    limited = Amounts(*(o if have is not None else None for o, have in zip(overhead, total.limits, strict=True)))
    return Bounds(plus([total.requests, overhead]), plus([total.limits, limited]))


def _starting(spec: Template) -> Bounds:
    """Return the most that an init container needs, with the sidecars that run by then."""
    most, sidecars = Bounds(), Bounds()
    for item in spec.init_containers or ():
        own = _bounds(item.resources)
        needed = Bounds(plus([own.requests, sidecars.requests]), plus([own.limits, sidecars.limits]))
        most = Bounds(either(most.requests, needed.requests, max), either(most.limits, needed.limits, max))
        if _is_sidecar(item):
            sidecars = needed
    return most


def _is_sidecar(item: ContainerSpec) -> bool:
    return item.restart_policy == "Always"


def _overridden(spec: Template, bounds: Bounds) -> Bounds:
    own = _bounds(spec.resources)
    return Bounds(
        either(own.requests, bounds.requests, lambda of_pod, _: of_pod),
        either(own.limits, bounds.limits, lambda of_pod, _: of_pod),
    )


def _bounds(resources: Resources | None) -> Bounds:
    if resources is None:
        return Bounds()
    return Bounds(_amounts(resources.requests), _amounts(resources.limits))


def _amounts(found: dict[str, str] | None) -> Amounts:
    return Amounts(cpu(found.get("cpu")), memory(found.get("memory"))) if found else NOTHING
