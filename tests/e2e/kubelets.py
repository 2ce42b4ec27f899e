"""The kubelets of a cluster: the simulator's, in a thread of their own, keeping a record of every scrape."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from typing import NamedTuple, Self

from tests.e2e.fleet import Node, Pod
from tests.in_background import in_background

from kubevitals.simulator import pki
from kubevitals.simulator.fleet import Fleet
from kubevitals.simulator.machine import SimulatedMachine
from kubevitals.simulator.verdicts import Question, Verdict, forbidden
from kubevitals.simulator.workload import Steady

Review = Callable[[str], int]  # bearer token → the status code of the answer
KEEP_ALLOWED = 30  # seconds that a review stays in force
KEEP_DENIED = 2
NANOCORES = 10**6  # in a millicore
MASTERS = "system:masters"
UP_FOR = 86_400.0  # seconds that every node and container has been running when a test begins


class Scrape(NamedTuple):
    """One request that a kubelet answered: when (time.monotonic), with which bearer token, and how."""

    time: float
    token: str
    status: int


class Kubelets:
    """A with block in which the nodes answer GET /metrics/resource on ``port``.

    Args:
        nodes: the nodes with their addresses.
        certificate: one serving certificate for all addresses.
        review: decides about a token; a ConnectionError of it leaves the last decision in force.
        client_ca: PEM of the authority whose client certificates are let in; empty lets in none.
    """

    def __init__(
        self, nodes: Iterable[Node], certificate: pki.KeyPair, review: Review, *, client_ca: bytes = b""
    ) -> None:
        self._nodes = tuple(nodes)
        self._certificate = certificate
        self._review = review
        self._verdicts: dict[str, tuple[float, int]] = {}
        self._machines = {node.name: _machine(node) for node in self._nodes}
        self._fleet = Fleet(self._check, now=time.time, client_ca=client_ca)
        self._stack = ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.scrapes: dict[str, list[Scrape]] = defaultdict(list)

    def __enter__(self) -> Self:
        _, self._loop = self._stack.enter_context(in_background(self._listen))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def port(self) -> int:
        """The TCP port of every kubelet."""
        return self._fleet.port

    def run_pod(self, pod: Pod, node: Node) -> None:
        """Start a pod's containers on a node."""
        self._call(lambda: _run(self._machines[node.name], pod, time.time()))

    def stop_pod(self, pod: Pod, node: Node) -> None:
        """Stop a pod's containers."""
        self._call(lambda: self._machines[node.name].stop_pod(pod.namespace, pod.name, time.time()))

    def forget(self) -> None:
        """Let the kubelets forget who was let in: what a bearer may do is reviewed again."""
        self._verdicts.clear()

    def _call(self, action: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(action)

    def _check(self, question: Question) -> Verdict:
        if question.user is not None and not question.token:
            return Verdict(200) if MASTERS in question.user.groups else forbidden(question.user.name)
        status = self._verdict(question.token)
        self.scrapes[question.node].append(Scrape(time.monotonic(), question.token, status))
        return {200: Verdict(200), 403: forbidden("somebody")}.get(status, Verdict(401, "Unauthorized"))

    def _verdict(self, token: str) -> int:
        asked, verdict = self._verdicts.get(token, (0.0, 0))
        if not verdict or time.monotonic() - asked > (KEEP_ALLOWED if verdict == 200 else KEEP_DENIED):
            try:
                verdict = self._review(token)
            except ConnectionError:
                verdict = verdict or 401
            self._verdicts[token] = (time.monotonic(), verdict)
        return verdict

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[None]:
        self._fleet.certify([node.address for node in self._nodes], self._certificate)
        try:
            for node in self._nodes:
                self._fleet.add(node.name, self._machines[node.name], node.address)
                await self._fleet.start(node.address)
            yield
        finally:
            await self._fleet.stop_all()


def _machine(node: Node) -> SimulatedMachine:
    """A machine that reports exactly the node's use: what its containers leave over is its own."""
    boxes = [box for pod in node.pods for box in pod.containers]
    millicores = node.millicores - sum(box.millicores for box in boxes)
    memory = node.memory - sum(box.memory for box in boxes)
    assert millicores >= 0 <= memory, f"the pods of {node.name} use more than their node"
    start = time.time() - UP_FOR
    machine = SimulatedMachine(Steady(start, millicores * NANOCORES, memory), housekeeping=0)
    for pod in node.pods:
        _run(machine, pod, start)
    return machine


def _run(machine: SimulatedMachine, pod: Pod, start: float) -> None:
    boxes = [(box.name, Steady(start, box.millicores * NANOCORES, box.memory)) for box in pod.containers]
    machine.run_pod(pod.namespace, pod.name, boxes)
