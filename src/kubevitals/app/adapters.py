"""What makes one part fit the seam of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kubevitals import logs
from kubevitals.api.authentication.trust import ClientTrust
from kubevitals.api.encoding import Answer
from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.informer.objects import ConfigMap
from kubevitals.informer.reflector import Sink
from kubevitals.kube.client import ApiClient
from kubevitals.model import Node, Pod
from kubevitals.store.inventory import Inventory
from kubevitals.telemetry import Telemetry
from kubevitals.tls import HandshakeFailure

_log = logs.get(__name__)
Q = TypeVar("Q")
A = TypeVar("A")

_HANDSHAKE_SILENCE = 300.0  # seconds between two lines about handshakes that fail for the same cause


def node_sink(inventory: Inventory) -> Sink[Node]:
    """Return where a reflector of nodes keeps them."""
    return Sink(inventory.replace_nodes, inventory.upsert_node, lambda node: inventory.remove_node(node.name))


def pod_sink(inventory: Inventory) -> Sink[Pod]:
    """Return where a reflector of pods keeps them."""
    return Sink(
        inventory.replace_pods,
        inventory.upsert_pod,
        lambda pod: inventory.remove_pod(pod.namespace, pod.name),
    )


def trust_sink(trust: ClientTrust) -> Sink[ConfigMap]:
    """Return where a reflector of the one ConfigMap with the request-header settings puts it."""
    return Sink(
        lambda found: trust.update_config_map(found[0].data if found else None),
        lambda changed: trust.update_config_map(changed.data),
        lambda _: trust.update_config_map(None),
    )


def counted(
    ask: Callable[[ApiClient, Q], Awaitable[A]], client: ApiClient, count: Callable[[str], None]
) -> Callable[[Q], Awaitable[A]]:
    """Return a review bound to a client, with each answer's status code counted; ``<error>`` without an answer."""

    async def asked(question: Q) -> A:
        try:
            answer = await ask(client, question)
        except ApiStatusError as error:
            count(str(error.code))
            raise
        except ApiServerError:
            count("<error>")
            raise
        count("201")
        return answer

    return asked


def freshness(telemetry: Telemetry, now: Callable[[], float]) -> Callable[[Answer], None]:
    """Return what notes the age of every object in an answer; objects of one second are noted together."""

    def note(answer: Answer) -> None:
        moment = now()
        for second, times in Counter(usage.time_ms // 1000 for _, usage in answer.items).items():
            telemetry.observe_freshness(max(0.0, moment - second), times)

    return note


class HandshakeLog:
    """Counts failed handshakes, and logs the first of each kind and then one line per five minutes at most.

    Args:
        telemetry: counts them.
        clock: monotonic seconds.
        knows: whether it is known yet whose certificates are good; before that every certificate is refused,
            which its holder gets over by coming back.
    """

    def __init__(self, telemetry: Telemetry, clock: Callable[[], float], knows: Callable[[], bool]) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._knows = knows
        self._silent: dict[tuple[object, ...], tuple[float, int]] = {}

    def note(self, failure: HandshakeFailure) -> None:
        """Take in one failure; only a refused certificate is worth a line without ``-v``, for scanners fail too."""
        self._telemetry.count_tls_handshake_error()
        urgent = failure.cause == "client_certificate" and self._knows()
        kind = failure.cause, failure.detail, urgent
        until, unsaid = self._silent.get(kind, (0.0, 0))
        if self._clock() < until:
            self._silent[kind] = (until, unsaid + 1)
            return
        self._silent[kind] = (self._clock() + _HANDSHAKE_SILENCE, 0)
        pairs = {"cause": failure.detail, "remedy": failure.remedy, "sinceLastLine": unsaid + 1}
        if urgent:
            _log.warning("A caller's TLS handshake failed", **pairs)
        else:
            _log.v(2, "A caller's TLS handshake failed", **pairs)
