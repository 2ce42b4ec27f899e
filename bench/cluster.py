"""What the benchmark's cluster consists of: names, addresses, and the objects its API server lists. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from kubevitals.simulator import templates
from kubevitals.simulator.templates import NodeFacts

NAMESPACES, APPS = 20, 10
CONTAINERS = ("app", "proxy", "logs", "metrics", "vault", "sync")
CREATED = 1_790_000_000.0  # seconds since the epoch, of everything there is
_CREATED_TEXT = "2026-09-21T14:13:20Z"
_PER_REPLICA_SET = 10
_GIB = 1 << 30
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # those that Kubernetes gives names of


class PodName(NamedTuple):
    """A pod, and what its labels are made of."""

    namespace: str
    name: str
    app: str
    replica_set: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a cluster: nodes, pods on each, containers in each pod."""

    nodes: int
    pods: int = 30
    containers: int = 2


def node_name(node: int) -> str:
    """Return a node's name."""
    return f"node-{node:05d}"


def address(node: int) -> str:
    """Return a node's address; all of 127.0.0.0/8 is this machine."""
    rest, last = divmod(node, 250)
    second, third = divmod(rest, 250)
    return f"127.{20 + second}.{third}.{last + 1}"


def pod(serial: int) -> PodName:
    """Return the pod of a serial number, counted over all nodes.

    A namespace has every twentieth pod, and an app (the label that is selected by) a tenth of its namespace.
    """
    namespace, rest = serial % NAMESPACES, serial // NAMESPACES
    app = f"app-{rest % APPS}"
    generation = f"{namespace} {app} {rest // APPS // _PER_REPLICA_SET}"
    replica_set = f"{app}-{_word(zlib.crc32(generation.encode()), 9)}"
    # A multiplier that has no factor in common with the modulus makes no name twice.
    return PodName(f"ns-{namespace:02d}", f"{replica_set}-{_word(serial * 7919, 5)}", app, replica_set)


def pods_of(node: int, plan: Plan) -> list[PodName]:
    """Return the pods of a node."""
    return [pod(serial) for serial in range(node * plan.pods, (node + 1) * plan.pods)]


def _word(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


def node_items(plan: Plan, port: int) -> Iterator[bytes]:
    """Yield the Nodes of a list, as JSON."""
    for node in range(plan.nodes):
        facts = NodeFacts(node_name(node), address(node), 16, 64 * _GIB, port)
        item = templates.node(facts, CREATED)
        born = {"uid": _uid(node), "resourceVersion": str(1000 + node), "creationTimestamp": _CREATED_TEXT}
        yield msgspec.json.encode({**item, "metadata": item["metadata"] | born})


def pod_items(plan: Plan, first: int = 0) -> Iterator[bytes]:
    """Yield the pods of a list from a serial number on, as PartialObjectMetadata in JSON, about 1.3 kB each."""
    for serial in range(first, plan.nodes * plan.pods):
        found = pod(serial)
        replica_hash = found.replica_set.rpartition("-")[2]
        yield (
            _POD
            % {
                "name": found.name,
                "namespace": found.namespace,
                "app": found.app,
                "hash": replica_hash,
                "set": found.replica_set,
                "uid": _uid(serial),
                "version": 10_000 + serial,
                "created": _CREATED_TEXT,
            }
        ).encode()


def _uid(number: int) -> str:
    return f"{number:08x}-3c1d-4f7e-9a52-{number * 7919:012x}"


_POD = (
    '{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"%(name)s",'
    '"generateName":"%(set)s-","namespace":"%(namespace)s","uid":"%(uid)s","resourceVersion":"%(version)d",'
    '"creationTimestamp":"%(created)s","labels":{"app":"%(app)s","pod-template-hash":"%(hash)s"},'
    '"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"%(set)s","uid":"%(uid)s",'
    '"controller":true,"blockOwnerDeletion":true}],"managedFields":[{"manager":"kube-controller-manager",'
    '"operation":"Update","apiVersion":"v1","time":"%(created)s","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":'
    '{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},'
    '"k:{\\"uid\\":\\"%(uid)s\\"}":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"app\\"}":{".":{},"f:image":{},'
    '"f:name":{},"f:resources":{}}},"f:restartPolicy":{},"f:schedulerName":{}}}},{"manager":"kubelet",'
    '"operation":"Update","apiVersion":"v1","time":"%(created)s","fieldsType":"FieldsV1","fieldsV1":{"f:status":'
    '{"f:conditions":{},"f:containerStatuses":{},"f:hostIP":{},"f:phase":{},"f:podIP":{},"f:startTime":{}}},'
    '"subresource":"status"}]}}'
)
