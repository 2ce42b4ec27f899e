"""A Kubernetes Event on the server's own pod when nodes cannot be scraped, so that ``kubectl describe`` tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote

import msgspec

from kubevitals import logs
from kubevitals.api.trouble import Trouble
from kubevitals.errors import ApiServerError, ConfigError
from kubevitals.quantity import format_time

_log = logs.get(__name__)
_AGAIN: Final = 1800.0  # seconds; Events are forgotten after an hour
_LONGEST: Final = 1024  # characters of a message, as the API server allows
_REMEDY: Final = "let our service account create events in its namespace, or leave --publish-events out"


class Poster(Protocol):
    """Creates objects; ``kube.client.ApiClient`` does."""

    async def post(self, path: str, body: bytes) -> bytes:
        """Send JSON and return the answer's body."""
        ...


@dataclass(frozen=True, slots=True)
class OwnPod:
    """The pod that this process runs in."""

    namespace: str
    name: str
    uid: str


def own_pod(environ: Mapping[str, str]) -> OwnPod:
    """Return what the manifest tells about the pod, through the downward API.

    Raises:
        ConfigError: it does not tell.
    """
    names = ("POD_NAMESPACE", "POD_NAME", "POD_UID")
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise ConfigError(
            f"--publish-events: {', '.join(missing)} not set; let the manifest fill POD_NAMESPACE, POD_NAME and POD_UID"
            " from metadata.namespace, metadata.name and metadata.uid"
        )
    return OwnPod(*(environ[name] for name in names))


class Events:
    """Publishes what most nodes suffer from, when that changes and every half hour while it lasts.

    Args:
        client: creates the Events.
        pod: what they are about.
        now: seconds since the epoch.
    """

    def __init__(self, client: Poster, pod: OwnPod, now: Callable[[], float]) -> None:
        self._client = client
        self._pod = pod
        self._now = now
        self._cause = ""
        self._told = 0.0
        self._pending: list[bytes] = []
        self._due = asyncio.Event()
        self._trouble = Trouble(_log, "publishing Events", _REMEDY)

    def note(self, cause: str, summary: str) -> None:
        """Take in how scraping goes.

        Args:
            cause: what most of the failing nodes suffer from, empty when none does.
            summary: a sentence with counts.
        """
        now = self._now()
        if cause == self._cause and not (cause and now - self._told >= _AGAIN):
            return
        self._cause, self._told = cause, now
        # Only the newest: what nobody could be told of in time is over.
        self._pending = [self._event(cause, summary, now)]
        self._due.set()

    async def run(self) -> None:
        """Publish, for ever; what the API server refuses is dropped and logged."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.publish()

    async def publish(self) -> None:
        """Send what is to be told now."""
        path = f"/api/v1/namespaces/{quote(self._pod.namespace, safe='')}/events"
        while self._pending:
            body = self._pending.pop()
            try:
                await self._client.post(path, body)
            except ApiServerError as error:
                self._trouble.begin(str(error))
            else:
                self._trouble.end()

    def _event(self, cause: str, summary: str, now: float) -> bytes:
        pod, at = self._pod, format_time(int(now) * 1000)
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid}
        return msgspec.json.encode(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"generateName": f"{pod.name}.", "namespace": pod.namespace},
                "involvedObject": about,
                "type": "Warning" if cause else "Normal",
                "reason": "NodesNotScraped" if cause else "NodesScraped",
                "message": summary[:_LONGEST],
                "source": {"component": "kubevitals"},
                "reportingComponent": "kubevitals",
                "reportingInstance": pod.name,
                "firstTimestamp": at,
                "lastTimestamp": at,
                "count": 1,
            }
        )
