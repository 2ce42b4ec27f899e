"""Which certificates callers may identify themselves with: from flags, or from the cluster's ConfigMap.

The API server publishes its authorities in ``kube-system/extension-apiserver-authentication``. Each half,
client certificates and request headers, comes from the flags alone where its CA flag is set, and else from
the ConfigMap alone. Both change while the server runs; what was good stays in force until something better
comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kubevitals import logs
from kubevitals.api.authentication.certificates import CertificatePool, bundle_pool
from kubevitals.api.authentication.published import PublishedTrust
from kubevitals.api.authentication.requestheader import FrontProxy
from kubevitals.api.trouble import Trouble
from kubevitals.tls import ReloadingFile

_log = logs.get(__name__)
_SHARED = (
    "the request-header authority also vouches for client certificates, and no allowed names are set: every"
    " client could speak for everyone"
)
_SHARED_REMEDY = (
    "set --requestheader-allowed-names on kube-apiserver (it publishes them as requestheader-allowed-names),"
    " or give the front proxy an authority of its own; until then no request through kube-apiserver is"
    " authenticated"
)


@dataclass(frozen=True, slots=True)
class Trust:
    """What is in force at one moment. ``None`` is a kind of credentials that is not known, and not judged."""

    client: CertificatePool | None = None
    front_proxy: FrontProxy | None = None


@dataclass(frozen=True, slots=True)
class TrustFlags:
    """``--client-ca-file`` and ``--requestheader-*``; the header names count only with their CA file.

    ``lookup`` is false with ``--authentication-skip-lookup``: the ConfigMap is then not used.
    """

    client_ca_file: str = ""
    requestheader_client_ca_file: str = ""
    requestheader_allowed_names: tuple[str, ...] = ()
    requestheader_username_headers: tuple[str, ...] = ("x-remote-user",)
    requestheader_group_headers: tuple[str, ...] = ("x-remote-group",)
    requestheader_extra_headers_prefix: tuple[str, ...] = ("x-remote-extra-",)
    requestheader_uid_headers: tuple[str, ...] = ()
    lookup: bool = True


class ClientTrust:
    """The trust in force, kept current.

    Args:
        flags: what the command line says.
        on_change: told after the trust in force changed; the listener then needs the new ``authorities``.

    Raises:
        ConfigError: a CA file of the flags cannot be used.
    """

    def __init__(self, flags: TrustFlags, *, on_change: Callable[[], None] = lambda: None) -> None:
        self._flags = flags
        self._on_change = on_change
        self._client_file = _pool_file(flags.client_ca_file)
        self._proxy_file = _pool_file(flags.requestheader_client_ca_file)
        self._published = PublishedTrust(
            client=flags.lookup and self._client_file is None,
            front_proxy=flags.lookup and self._proxy_file is None,
        )
        self._shared = Trouble(_log, "request-header authentication", _SHARED_REMEDY)
        self.current = self._decide()

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """Every authority of either kind, DER; for handshakes, which decide nothing."""
        pools = [self.current.client, self.current.front_proxy and self.current.front_proxy.pool]
        return tuple(dict.fromkeys(der for pool in pools if pool for der in pool.authorities))

    @property
    def asks(self) -> bool:
        """Whether callers may ever identify themselves by certificate."""
        return self._flags.lookup or self._client_file is not None or self._proxy_file is not None

    @property
    def loaded(self) -> bool:
        """Whether the ConfigMap was looked for, if it is needed; before that nobody is known by certificate."""
        return self._published.loaded or not self._published.wanted

    def update_config_map(self, data: Mapping[str, str] | None) -> None:
        """Take over the ConfigMap's ``data``; None when there is none, which changes nothing."""
        if self._published.wanted:
            self._published.update(data)
            self._refresh()

    def reload_files(self) -> None:
        """Read the CA files of the flags again."""
        changed = [file.poll() for file in (self._client_file, self._proxy_file) if file is not None]
        if any(changed):
            self._refresh()

    def _refresh(self) -> None:
        before, self.current = self.current, self._decide()
        if self.current != before:
            _log.info("The authorities or headers that identify callers changed")
            self._on_change()

    def _decide(self) -> Trust:
        client = self._client_file.value if self._client_file else self._published.client
        if self._proxy_file:
            proxy: FrontProxy | None = _proxy_of(self._flags, self._proxy_file.value)
        else:
            proxy = self._published.front_proxy
        return Trust(client, self._safe(proxy, client))

    def _safe(self, proxy: FrontProxy | None, client: CertificatePool | None) -> FrontProxy | None:
        """Refuse everybody where any client certificate would pass for the front proxy's."""
        if proxy and client and not proxy.allowed_names and proxy.pool.includes(client):
            self._shared.begin(_SHARED, urgent=True)
            return replace(proxy, refused=_SHARED)
        self._shared.end()
        return proxy


def _pool_file(path: str) -> ReloadingFile[CertificatePool] | None:
    return ReloadingFile(Path(path), bundle_pool) if path else None


def _proxy_of(flags: TrustFlags, pool: CertificatePool) -> FrontProxy:
    return FrontProxy(
        pool,
        allowed_names=flags.requestheader_allowed_names,
        username_headers=_named(flags.requestheader_username_headers),
        group_headers=_named(flags.requestheader_group_headers),
        extra_prefixes=_named(flags.requestheader_extra_headers_prefix),
        uid_headers=_named(flags.requestheader_uid_headers),
    )


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name)
