"""Joins what was measured with the objects it was measured of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kubevitals.top.model import Amounts, Bounds, Container, Node, NodeUse, Pod, PodUse, Row, Use, plus, together

_RUNNING = "Running"
_OVER = ("Succeeded", "Failed")


def node_rows(
    nodes: Sequence[Node] | None, uses: Iterable[NodeUse], pods: Iterable[Pod] | None, *, strict: bool = False
) -> list[Row]:
    """Return a row for each node, with or without metrics.

    Args:
        nodes: the objects; None when they may not be read, and those that have metrics are all that is known.
        uses: the metrics.
        pods: all pods, whose bounds are added up for each node; None when they may not be read.
        strict: leave out metrics of nodes that are not among ``nodes``, as with a selector.
    """
    measured = {use.name: use.use for use in uses}
    reserved = _by_node(pods or ())
    known = {node.name: node for node in nodes or ()}
    names = known.keys() if strict and nodes is not None else known.keys() | measured.keys()
    return [
        Row(
            name,
            use=measured.get(name),
            bounds=_reserved(reserved[name]) if pods is not None else Bounds(),
            allocatable=known[name].allocatable if name in known else Bounds().requests,
            created=known[name].created if name in known else None,
            pods=len(reserved[name]) if pods is not None else None,
        )
        for name in sorted(names)
    ]


def _by_node(pods: Iterable[Pod]) -> dict[str, list[Pod]]:
    found: dict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        if pod.node and pod.phase not in _OVER:
            found[pod.node].append(pod)
    return found


def _reserved(pods: Sequence[Pod]) -> Bounds:
    """Return the sums over the pods of a node: requests of zero where no pod has any, but then no limits."""
    requests = plus([Amounts(0, 0), *(pod.reserved.requests for pod in pods)])
    return Bounds(requests, plus(pod.reserved.limits for pod in pods))


def pod_rows(pods: Iterable[Pod] | None, uses: Iterable[PodUse], *, strict: bool = False) -> list[Row]:
    """Return a row for each pod that has metrics, or runs without.

    Args:
        pods: the objects; None when they may not be read.
        uses: the metrics.
        strict: leave out metrics of pods that are not among ``pods``, as with a selector that only those can meet.
    """
    return [
        _pod_row(namespace, name, pod, use and together(found for _, found in use.containers))
        for (namespace, name), pod, use in _joined(pods, uses, strict)
    ]


def container_rows(pods: Iterable[Pod] | None, uses: Iterable[PodUse], *, strict: bool = False) -> list[Row]:
    """Return a row for each container of the same pods; see ``pod_rows``."""
    found = []
    for (namespace, name), pod, use in _joined(pods, uses, strict):
        whole = _pod_row(namespace, name, pod, None)
        bounds = {container.name: container.bounds for container in _containers(pod)}
        measured = dict(use.containers) if use else {}
        found += [
            whole._replace(container=container, use=measured.get(container), bounds=bounds.get(container, Bounds()))
            for container in sorted(bounds.keys() | measured.keys())
        ]
    return found


def _containers(pod: Pod | None) -> tuple[Container, ...]:
    return pod.containers if pod else ()


def _pod_row(namespace: str, name: str, pod: Pod | None, use: Use | None) -> Row:
    if pod is None:
        return Row(name, namespace, use=use)
    return Row(name, namespace, "", pod.node, pod.owner, use, pod.bounds, created=pod.created)


_Joined = tuple[tuple[str, str], Pod | None, PodUse | None]


def _joined(pods: Iterable[Pod] | None, uses: Iterable[PodUse], strict: bool) -> Iterator[_Joined]:
    """Yield what belongs together, by namespace and name."""
    known = {(pod.namespace, pod.name): pod for pod in pods or ()}
    measured = {(use.namespace, use.name): use for use in uses if use.containers}
    running = {key for key, pod in known.items() if pod.phase == _RUNNING}
    shown = measured.keys() & known.keys() if strict and pods is not None else measured.keys()
    for key in sorted(shown | running):
        yield key, known.get(key), measured.get(key)
