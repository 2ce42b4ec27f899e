"""What makes one part fit the seam of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from kubevitals import logs
from kubevitals.api.authentication.trust import ClientTrust
from kubevitals.api.encoding import Item
from kubevitals.api.resources import Resources
from kubevitals.errors import ApiServerError, ApiStatusError
from kubevitals.informer.objects import ConfigMap
from kubevitals.informer.sink import Sink
from kubevitals.kube.reviews import Poster
from kubevitals.model import Batch, Node, Pod
from kubevitals.store.inventory import Inventory
from kubevitals.store.points import Points
from kubevitals.telemetry import Telemetry
from kubevitals.tls import HandshakeFailure

_log = logs.get(__name__)

_SILENCE = 300.0  # seconds between two lines of the same kind
_MOST_KINDS = 100  # that are told apart, as some contain what a caller chose
_REFUSED = (
    "If it is the API server's, which then answers 503 for us: let --requestheader-allowed-names of kube-apiserver "
    "hold the common name of its --proxy-client-cert-file."
)


def node_sink(inventory: Inventory) -> Sink[Node]:
    """Return where a reflector of nodes keeps them."""
    return Sink(inventory.replace_nodes, inventory.upsert_node, lambda node: inventory.remove_node(node.name))


def pod_sink(inventory: Inventory) -> Sink[Pod]:
    """Return where a reflector of pods keeps them."""
    return Sink(
        inventory.replace_pods,
        inventory.upsert_pod,
        lambda pod: inventory.remove_pod(pod.namespace, pod.name),
        inventory.stage_pods,
    )


def trust_sink(trust: ClientTrust) -> Sink[ConfigMap]:
    """Return where a reflector of the one ConfigMap with the request-header settings puts it."""
    return Sink(
        lambda found: trust.update_config_map(found[0].data if found else None),
        lambda changed: trust.update_config_map(changed.data),
        lambda _: trust.update_config_map(None),
    )


class Reviewer:
    """What reviews are sent through: a client, with every attempt counted and timed.

    Args:
        client: sends them.
        observe: told each attempt's status code (``<error>`` without an answer) and how many seconds it took.
        clock: monotonic seconds.
    """

    def __init__(self, client: Poster, observe: Callable[[str, float], None], clock: Callable[[], float]) -> None:
        self._client = client
        self._observe = observe
        self._clock = clock

    async def post(self, path: str, body: bytes, *, timeout: float | None = None) -> bytes:
        """Send JSON and return the answer's body."""
        began = self._clock()
        try:
            answer = await self._client.post(path, body, timeout=timeout)
        except ApiServerError as error:
            code = str(error.code) if isinstance(error, ApiStatusError) else "<error>"
            self._observe(code, self._clock() - began)
            raise
        self._observe("201", self._clock() - began)
        return answer


def freshness(telemetry: Telemetry, now: Callable[[], float]) -> Callable[[Sequence[Item]], None]:
    """Return what notes the age of every item in an answer; items of one second are noted together."""

    def note(items: Sequence[Item]) -> None:
        moment = now()
        for second, times in Counter([item.time_ms // 1000 for item in items]).items():
            telemetry.observe_freshness(max(0.0, moment - second), times)

    return note


class Readings:
    """Where the scrape cycle puts what it read: the store, and then whatever the API renders ahead."""

    def __init__(self, points: Points, resources: Resources) -> None:
        self._points = points
        self._resources = resources
        self.forget_node = points.forget_node
        self.expire = points.expire

    def absorb(self, node: str, batch: Batch, now_ms: int) -> None:
        """Take in a node's batch."""
        self._points.absorb(node, batch, now_ms)
        self._resources.renew(node)


class _Repeated:
    """Lets the first of each kind through, and then one in five minutes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._silent: dict[Hashable, tuple[float, int]] = {}

    def due(self, kind: Hashable) -> int:
        """Return how many of a kind there were since one was let through, this one included; 0 keeps it back."""
        if kind not in self._silent and len(self._silent) == _MOST_KINDS:
            return 0
        until, unsaid = self._silent.get(kind, (0.0, 0))
        if self._clock() < until:
            self._silent[kind] = (until, unsaid + 1)
            return 0
        self._silent[kind] = (self._clock() + _SILENCE, 0)
        return unsaid + 1


class HandshakeLog:
    """Counts failed handshakes, and logs the first of each kind and then one line per five minutes at most."""

    def __init__(self, telemetry: Telemetry, clock: Callable[[], float]) -> None:
        self._telemetry = telemetry
        self._repeated = _Repeated(clock)

    def note(self, failure: HandshakeFailure) -> None:
        """Take in one failure; only a refused certificate is worth a line without ``-v``, for scanners fail too."""
        self._telemetry.count_tls_handshake_error()
        if count := self._repeated.due(failure):
            pairs = {"cause": failure.detail, "remedy": failure.remedy, "sinceLastLine": count}
            if failure.cause == "client_certificate":
                _log.warning("A caller's TLS handshake failed", **pairs)
            else:
                _log.v(2, "A caller's TLS handshake failed", **pairs)


class RefusalLog:
    """Logs which names of certificates of the front proxy's authority are refused: each once in five minutes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._repeated = _Repeated(clock)

    def note(self, reason: str) -> None:
        """Take in why one was refused."""
        if count := self._repeated.due(reason):
            _log.warning("A caller's certificate is refused", cause=reason, remedy=_REFUSED, sinceLastLine=count)
