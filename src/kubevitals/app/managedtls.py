"""The serving certificate that the server makes for itself, and that the API server verifies.

An authority and a certificate lie in a Secret that the replicas share; the authority is written to ``caBundle`` of the
APIServices that point to our Service. A new authority is published a while before it signs what is shown.

An APIService that skips verification, as those of metrics-server do, is made to verify when this server has run for a
while: until then the pods of the provider before may still answer, and their certificates nobody can verify.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from cryptography import x509

from kubevitals import logs
from kubevitals.api.group import GROUP, VERSIONS
from kubevitals.api.trouble import Trouble
from kubevitals.app.secret import ObjectClient, Secret
from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable, ConfigError
from kubevitals.tls import KeyPair, managed
from kubevitals.tls.managed import Authority

_log = logs.get(__name__)
_NAMES: Final = tuple(f"{version}.{GROUP}" for version in VERSIONS)
_STEPS: Final = 8  # in one look; more means that somebody undoes them, and the next look is soon enough
_TAKEOVER: Final = 2  # looks after which the pods of another provider have gone
_APISERVICES: Final = "/apis/apiregistration.k8s.io/v1/apiservices"
_AUTHORITY, _AUTHORITY_KEY, _CERTIFICATE, _KEY = "ca.crt", "ca.key", "tls.crt", "tls.key"


class ServiceName(NamedTuple):
    """The Service that the API server finds us by."""

    namespace: str
    name: str

    @property
    def secret(self) -> str:
        """The name of the Secret that belongs to it, in the same namespace."""
        return f"{self.name}-tls"

    @property
    def host_names(self) -> tuple[str, ...]:
        """What the certificate is for; the first is what the API server verifies."""
        service = f"{self.name}.{self.namespace}"
        return (f"{service}.svc", service, self.name, f"{service}.svc.cluster.local", "localhost")


class _Reference(msgspec.Struct):
    namespace: str = ""
    name: str = ""


class _Spec(msgspec.Struct, rename={"ca_bundle": "caBundle", "insecure": "insecureSkipTLSVerify"}):
    service: _Reference | None = None
    ca_bundle: str = ""
    insecure: bool = False


class _ApiService(msgspec.Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


_API_SERVICE = msgspec.json.Decoder(_ApiService)


class ManagedCertificate:
    """A serving certificate, as ``tls.ServingCertificate`` describes them, that is kept in a Secret.

    Args:
        client: reads and changes Secret and APIServices.
        service: whose certificate it is.
        first: what to show until there is one.
        now: seconds since the epoch.
        every: seconds between two looks; so long, too, others have to notice a new authority.
    """

    def __init__(
        self, client: ObjectClient, service: ServiceName, first: KeyPair, now: Callable[[], float], every: float
    ) -> None:
        self.pair = first
        self._client = client
        self._service = service
        self._secret = Secret(client, service.namespace, service.secret)
        self._now = now
        self._every = every
        self._began = now()
        self._changed = False
        self._strange: dict[str, str] = {}
        self._bad_secret = Trouble(_log, f"the serving certificate in the Secret {service.namespace}/{service.secret}")
        remedy = f"Let our service account get and patch {' and '.join(_NAMES)}, or set their caBundle by hand."
        self._bad_services = Trouble(_log, "the caBundle of our APIServices", remedy)

    def reload(self) -> bool:
        """Tell, once, that the pair is another one."""
        changed, self._changed = self._changed, False
        return changed

    async def run(self, changed: Callable[[], object]) -> None:
        """Look, for ever; ``changed`` is called when the pair is another one."""
        while True:
            await self.settle()
            if self._changed:
                changed()
            await asyncio.sleep(self._every)

    async def settle(self) -> None:
        """Take the next steps; never raises, and what is shown stays when one fails."""
        try:
            for _ in range(_STEPS):
                if not await self._step():
                    break
        except (ApiServerError, ConfigError) as error:
            remedy, urgent = self._secret.remedy(error)
            self._bad_secret.begin(str(error), remedy, urgent=urgent)

    async def _step(self) -> bool:
        """Take one step; return whether to go on at once."""
        data = await self._secret.read()
        try:
            return await self._mended(data, self._now())
        except ApiStatusError as error:
            if error.code != 409:
                raise
            return True  # another replica was faster; its work is there to be read

    async def _mended(self, data: dict[str, bytes], now: float) -> bool:
        """Mend the first thing that is not as it should be."""
        authority = _authority(data)
        if authority is None or managed.due(authority.certificates[0], now):
            await self._keep_authority(managed.new_authority(now, authority))
            return True
        pair = _pair(data)
        if pair is not None and managed.valid(pair, authority, now):
            self._show(pair)
        published = await self._publish(authority)
        self._bad_secret.end()
        if pair is not None and managed.valid(pair, authority, now):
            renew = managed.due(pair.leaf, now) or not managed.fits(pair, authority, self._service.host_names)
            known = published and managed.age(authority, now) >= self._every
            if not (renew and known):
                return False
        await self._keep_pair(managed.issue(authority, self._service.host_names, now))
        return True

    async def _keep_authority(self, authority: Authority) -> None:
        changes = {_AUTHORITY: authority.bundle, _AUTHORITY_KEY: authority.key}
        await self._secret.write(changes, unchanged=True)
        _log.info("Made an authority for serving certificates", expires=_end(authority.certificates[0]))

    async def _keep_pair(self, pair: KeyPair) -> None:
        await self._secret.write({_CERTIFICATE: pair.chain, _KEY: pair.key}, unchanged=True)
        _log.info("Made a serving certificate", expires=_end(pair.leaf))

    def _show(self, pair: KeyPair) -> None:
        if pair != self.pair:
            self.pair, self._changed = pair, True

    async def _publish(self, authority: Authority) -> bool:
        """Let our APIServices trust the bundle; return whether that is so."""
        bundle = base64.b64encode(authority.bundle).decode()
        try:
            for name in _NAMES:
                await self._publish_in(name, bundle)
        except (ApiServerError, msgspec.MsgspecError) as error:
            self._bad_services.begin(str(error), urgent=not isinstance(error, ApiUnreachable))
            return False
        self._bad_services.end()
        return True

    async def _publish_in(self, name: str, bundle: str) -> None:
        path = f"{_APISERVICES}/{name}"
        try:
            spec = _API_SERVICE.decode(await self._client.get(path)).spec
        except ApiStatusError as error:
            if error.code == 404:
                return
            raise
        if not self._ours(name, spec) or spec.ca_bundle == bundle:
            return
        if spec.insecure and self._now() - self._began < _TAKEOVER * self._every:
            return
        # In one step: the API server refuses a bundle beside insecureSkipTLSVerify.
        change = {"caBundle": bundle, "insecureSkipTLSVerify": None}
        await self._client.patch(path, msgspec.json.encode({"spec": change}))
        _log.info("The API server is told by which authority to verify us", apiservice=name)

    def _ours(self, name: str, spec: _Spec) -> bool:
        owner = f"{spec.service.namespace}/{spec.service.name}" if spec.service else "the API server itself"
        ours = owner == f"{self._service.namespace}/{self._service.name}"
        if self._strange.get(name, "") != ("" if ours else owner):
            self._strange[name] = "" if ours else owner
            if ours:
                _log.info("An APIService points to our Service again", apiservice=name)
            else:
                remedy = "Remove one of the two providers, or point it to our Service."
                _log.warning("An APIService is another provider's", apiservice=name, service=owner, remedy=remedy)
        return ours


def _authority(data: dict[str, bytes]) -> Authority | None:
    if _AUTHORITY not in data and _AUTHORITY_KEY not in data:
        return None
    return managed.read_authority(data.get(_AUTHORITY, b""), data.get(_AUTHORITY_KEY, b""))


def _pair(data: dict[str, bytes]) -> KeyPair | None:
    if _CERTIFICATE not in data and _KEY not in data:
        return None
    return managed.read_pair(data.get(_CERTIFICATE, b""), data.get(_KEY, b""))


def _end(certificate: x509.Certificate) -> str:
    return f"{certificate.not_valid_after_utc:%Y-%m-%d}"
