"""The Secret in which the kubelets' first certificates are kept: a key for each node, so that one can be removed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from kubevitals import logs
from kubevitals.api.trouble import Trouble
from kubevitals.app.secret import Secret
from kubevitals.errors import ApiServerError, ConfigError, ScrapeError
from kubevitals.scraper import pins
from kubevitals.scraper.certificate import Certificate
from kubevitals.scraper.pins import Pins

_log = logs.get(__name__)
_AT_ONCE: Final = 1000  # keys in one change


class PinSecret:
    """Pins that outlive the pod, and are shared by replicas.

    Args:
        secret: where they are kept.
        name: ``NAMESPACE/NAME`` of it, for remedies.
        every: seconds between two looks.
    """

    def __init__(self, secret: Secret, name: str, every: float) -> None:
        self._secret = secret
        self._every = every
        self._pins = Pins({}, f"the data of the Secret {name}")
        self._kept: dict[str, str] = {}  # as the Secret was when it was seen last
        self._known = asyncio.Event()
        self._trouble = Trouble(_log, f"the kubelets' pins in the Secret {name}, which are kept in memory meanwhile")

    @property
    def problem(self) -> str:
        """Why the pins are not known, empty when they are."""
        return "" if self._known.is_set() else self._trouble.problem or "the Secret was not read yet"

    def judge(self, node: str, certificate: Certificate) -> ScrapeError | None:
        """Return why a node's certificate is refused."""
        assert self._known.is_set(), "no node is scraped before it is known what was seen of it"
        return self._pins.check(node, certificate.fingerprint)

    def forget(self, node: str) -> None:
        """Forget a node that no longer exists: another one of that name begins anew."""
        self._pins.forget(node)

    async def known(self) -> None:
        """Wait until the pins are known."""
        await self._known.wait()

    async def run(self) -> None:
        """Keep memory and Secret alike, for ever."""
        while True:
            await self.settle()
            await asyncio.sleep(self._every)

    async def settle(self) -> None:
        """Take over what a person or another replica has changed, and write what is new; never raises."""
        try:
            before = self._secret.uid
            found = _read(await self._secret.read())
            if self._secret.uid != before:
                self._kept = {}  # another object of that name: that it is empty accepts nobody
            self._take(found)
            await self._write()
        except (ApiServerError, ConfigError) as error:
            remedy, urgent = self._secret.remedy(error)
            self._trouble.begin(str(error), remedy, urgent=urgent)
        else:
            self._trouble.end()

    def _take(self, found: dict[str, str]) -> None:
        """Change in memory what changed in the Secret; what was seen meanwhile stays."""
        gone = self._kept.keys() - found.keys()
        mine = {node: digits for node, digits in self._pins.known().items() if node not in gone}
        changed = {node: digits for node, digits in found.items() if self._kept.get(node) != digits}
        if self._known.is_set() and gone:
            _log.info("Took over changes of the kubelets' pins", accepted=sorted(gone))
        self._pins.replace(mine | changed)
        self._kept = found
        self._known.set()

    async def _write(self) -> None:
        wanted = self._pins.known()
        fresh = {node: wanted[node] for node in wanted if self._kept.get(node) != wanted[node]}
        changes = {node: f"sha256:{digits}".encode() for node, digits in fresh.items()}
        gone = dict.fromkeys(self._kept.keys() - wanted.keys())
        pending = list((changes | gone).items())
        for start in range(0, len(pending), _AT_ONCE):
            self._kept = _read(await self._secret.write(dict(pending[start : start + _AT_ONCE])))


def _read(data: Mapping[str, bytes]) -> dict[str, str]:
    """Return fingerprints by node; a ConfigError for a value that is none."""
    lines = (f"{node} {value.decode('ascii', 'replace').strip()}" for node, value in data.items())
    return pins.read("\n".join(lines))
