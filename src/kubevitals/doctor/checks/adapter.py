"""Does an adapter to Prometheus find the nodes there? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from kubevitals.doctor.evidence import Evidence, Unseen, some, text_of
from kubevitals.doctor.finding import Finding, Remedy
from kubevitals.doctor.running import is_adapter, namespace, restart
from kubevitals.doctor.words import shortened

_MISSING: Final = re.compile(r'missing (?:CPU|memory) for node "')
_RULES: Final = "resourceRules"
_RESOURCES: Final = ("node", "nodes")


def no_nodes(evidence: Evidence) -> Iterator[Finding]:
    """D47: prometheus-adapter has metrics of pods and of no node, as its query knows nodes by another label."""
    if isinstance(evidence.node_metrics, Unseen) or evidence.node_metrics or not is_adapter(evidence):
        return
    pods = len(some(evidence.pod_metrics))
    if not pods or not some(evidence.nodes):
        return
    mapped = _mapped(evidence)
    wrong = [label for *_, label in mapped if label != "node"]
    yield Finding(
        "prometheus-adapter serves metrics of pods and of no node: what its nodeQuery asks Prometheus for is not known "
        "there by the nodes' names.",
        (
            f"kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes: 0 items; the same of pods: {pods:,}",
            *(
                f"ConfigMap {key}: {_RULES}.{kind} takes the label {label} for a node's name"
                for key, kind, label in mapped
            ),
            *_logged(evidence),
        ),
        (
            *([_override(evidence, [key for key, *_ in mapped])] if wrong or not mapped else []),
            _relabelled(),
            Remedy(
                "Or let a server that reads the kubelets serve the Metrics API, and leave custom metrics to the "
                "adapter.",
                "kubevitals manifests | kubectl apply -f -",
            ),
        ),
        "degraded",
    )


def _mapped(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return ConfigMap, resource, and the label that is taken for a node's name."""
    maps = [seen for seen in evidence.adapter if not isinstance(seen, Unseen)]
    texts = [(item.metadata.key, text) for item in maps for text in (item.data or {}).values()]
    return [(key, kind, label) for key, text in texts for kind, label in _labels(text)]


def _labels(text: str) -> Iterator[tuple[str, str]]:
    for kind in ("cpu", "memory"):
        overrides = _within(_parsed(text), _RULES, kind, "resources", "overrides")
        for label, of in overrides.items():
            if isinstance(of, dict) and of.get("resource") in _RESOURCES:
                yield kind, shortened(str(label))


def _parsed(text: str) -> Any:
    try:
        return yaml.safe_load(text) if _RULES in text else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _within(value: Any, *path: str) -> dict[Any, Any]:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _logged(evidence: Evidence) -> Iterator[str]:
    for pod, log in evidence.logs.items():
        lines = [line for line in text_of(log).splitlines() if _MISSING.search(line)]
        if lines:
            yield f"log of {pod}: {shortened(lines[-1])}"
            return


def _override(evidence: Evidence, maps: list[str]) -> Remedy:
    name = maps[0].rpartition("/")[2] if maps else "NAME"
    return Remedy(
        "Map nodes to a label that holds their names, and restart the adapter.",
        f"kubectl -n {namespace(evidence)} edit configmap {name}\n"
        "# there, below resourceRules.cpu.resources and resourceRules.memory.resources:\n"
        f"overrides:\n  node: {{resource: node}}  # in place of what stands there for node\n{restart(evidence)}",
    )


def _relabelled() -> Remedy:
    return Remedy(
        "Let the series that nodeQuery asks for carry this label.",
        "# in Prometheus, below the scrape job of the node exporter (a job of role node has "
        "__meta_kubernetes_node_name):\n"
        "relabel_configs:\n- source_labels: [__meta_kubernetes_pod_node_name]\n  target_label: node",
    )
