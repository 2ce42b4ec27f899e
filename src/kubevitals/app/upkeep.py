"""What the server keeps in the cluster besides serving, where flags ask for it: pins, its certificate, Events."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from kubevitals.app.events import Events, own_pod
from kubevitals.app.managedtls import ManagedCertificate, ServiceName
from kubevitals.app.pinfile import PinFile
from kubevitals.app.pinsecret import PinSecret
from kubevitals.app.secret import Secret
from kubevitals.errors import ScrapeError
from kubevitals.kube.client import ApiClient
from kubevitals.scraper.certificate import Certificate
from kubevitals.settings import Settings
from kubevitals.settings.rules import IN_CLUSTER
from kubevitals.tls import selfsigned

_SETTLE: Final = 6  # looks at files, between two of the serving certificate: others have to notice a new authority


class Pins(Protocol):
    """The kubelets' first certificates, wherever they are kept."""

    @property
    def problem(self) -> str:
        """Why they are not known, empty when they are."""
        ...

    def judge(self, node: str, certificate: Certificate) -> ScrapeError | None:
        """Return why a node's certificate is refused."""
        ...

    def forget(self, node: str) -> None:
        """Forget a node that no longer exists."""
        ...

    async def known(self) -> None:
        """Wait until they are known."""
        ...

    async def run(self) -> None:
        """Keep them, for ever."""
        ...


class Upkeep:
    """The parts that flags ask for; None where they do not.

    Args:
        settings: what the flags say.
        client: speaks to the API server.
        environ: where the manifest tells which pod this is.
        now: seconds since the epoch.
        every: seconds between looks at what may change.

    Raises:
        ConfigError: something that a flag needs is not there.
    """

    def __init__(
        self,
        settings: Settings,
        client: ApiClient,
        environ: Mapping[str, str],
        now: Callable[[], float],
        every: float,
    ) -> None:
        self.pins = _pins(settings.kubelet_tls_pin, client, every)
        self.events = Events(client, own_pod(environ), now) if settings.publish_events else None
        self.certificate: ManagedCertificate | None = None
        if settings.managed_tls:
            service = ServiceName(*settings.managed_tls.split("/"))
            first = selfsigned.generate(settings.bind_address, now())
            self.certificate = ManagedCertificate(client, service, first, now, _SETTLE * every)

    def tasks(self, certificate_changed: Callable[[], object]) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield a name and a coroutine for each part that has something to do for ever."""
        if self.pins is not None:
            yield "kubelet pins", self.pins.run()
        if self.events is not None:
            yield "events", self.events.run()
        if self.certificate is not None:
            yield "serving certificate", self.certificate.run(certificate_changed)

    def note(self, cause: str, summary: str) -> None:
        """Take in how scraping goes; see ``Events.note``."""
        if self.events is not None:
            self.events.note(cause, summary)


def _pins(place: str, client: ApiClient, every: float) -> Pins | None:
    if not place:
        return None
    if not place.startswith(IN_CLUSTER):
        return PinFile(Path(place), every)
    name = place.removeprefix(IN_CLUSTER)
    return PinSecret(Secret(client, *name.split("/")), name, every)
