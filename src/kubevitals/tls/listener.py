"""The listener's TLS: one SSLContext for the life of the process, whose contents change under it.

The handshake accepts certificates of every authority we know, because CPython lets it judge by one store
only. It decides nothing: whose certificate it is, and what that permits, is judged per request and per
authority pool.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from kubevitals import logs
from kubevitals.tls.keypair import KeyPair
from kubevitals.tls.serving import NamedCertificate, ServingCertificate

_log = logs.get(__name__)


class HandshakeFailure(NamedTuple):
    """Why a caller got no connection: a stable word, what was seen, and what a person can do about it."""

    cause: str
    detail: str
    remedy: str


class _SslObject(ssl.SSLObject):
    """Reports a handshake that fails; asyncio would log it at debug level only."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            assert isinstance(self.context, _Context)  # it came from one, and is only ever given another
            self.context.on_failure(_explain(error, judged=self.context.judges))
            raise


class _Context(ssl.SSLContext):
    sslobject_class = _SslObject
    on_failure: Callable[[HandshakeFailure], None]
    judges = False  # whether it knows an authority that callers' certificates may be of


class ServerTls:
    """Hands every new connection the current certificate and the current authorities.

    Args:
        certificate: what to show callers.
        named: what to show instead to callers that ask for certain names; the first match wins.
        minimum: the oldest TLS version to speak.
        ciphers: OpenSSL's words for the suites up to TLS 1.2; empty for its own choice.
        ask: whether callers are asked for a certificate. True as soon as authorities may become known: a
            caller that connects before they are is then cut off and comes back, rather than staying on a
            connection on which it could never show who it is.
        on_failure: told about every handshake that fails; it must not raise.
    """

    def __init__(
        self,
        certificate: ServingCertificate,
        *,
        named: Sequence[NamedCertificate] = (),
        minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        ciphers: str = "",
        ask: bool = True,
        on_failure: Callable[[HandshakeFailure], None],
    ) -> None:
        self._certificate = certificate
        self._named = tuple(named)
        self._minimum = minimum
        self._ciphers = ciphers
        self._ask = ask
        self._on_failure = on_failure
        self._authorities: tuple[bytes, ...] = ()
        self._build()
        self.context: ssl.SSLContext = self._empty_context()
        self.context.sni_callback = self._choose

    def trust(self, authorities: Sequence[bytes]) -> None:
        """Accept certificates of these authorities (DER), and no others, in handshakes from now on."""
        if tuple(authorities) != self._authorities:
            self._authorities = tuple(authorities)
            self._build()

    def reload(self) -> bool:
        """Read the certificates again; return whether new connections see another one."""
        changed = [each.reload() for each in (self._certificate, *(n.certificate for n in self._named))]
        if any(changed):
            self._build()
            _log.info("New connections see the changed serving certificate")
        return any(changed)

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """Give a connection its context; called in every handshake, also when the caller names no server."""
        connection.context = self._context_for(name or "")

    def _context_for(self, name: str) -> ssl.SSLContext:
        wanted = name.lower().rstrip(".")
        _, dot, domain = wanted.partition(".")
        for key in (wanted, f"*{dot}{domain}"):
            if found := self._by_name.get(key):
                return found
        return self._default

    def _build(self) -> None:
        self._default = self._context_with(self._certificate.pair)
        explicit: dict[str, ssl.SSLContext] = {}
        implied: dict[str, ssl.SSLContext] = {}
        for named in self._named:
            pair = named.certificate.pair
            context = self._context_with(pair)
            names, into = (named.names, explicit) if named.names else (_names_in(pair.leaf), implied)
            for name in names:
                into.setdefault(name.lower(), context)
        self._by_name = implied | explicit

    def _context_with(self, pair: KeyPair) -> ssl.SSLContext:
        context = self._empty_context()
        pair.load_into(context)
        for authority in self._authorities:
            _accept(context, authority)
        context.judges = bool(self._authorities)
        return context

    def _empty_context(self) -> _Context:
        context = _Context(ssl.PROTOCOL_TLS_SERVER)
        context.on_failure = self._on_failure
        context.minimum_version = self._minimum
        if self._ciphers:
            context.set_ciphers(self._ciphers)
        context.set_alpn_protocols(["http/1.1"])
        # Resumed sessions bring a certificate that the handshake did not verify again. Tickets, which would bring
        # it without its chain, are off; resumption by session id (TLS 1.2) cannot be, and brings the whole chain,
        # which is judged anew for every request like any other.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        context.num_tickets = 0
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_mode = ssl.CERT_OPTIONAL if self._ask else ssl.CERT_NONE
        return context


def _accept(context: ssl.SSLContext, authority: bytes) -> None:
    try:
        context.load_verify_locations(cadata=authority)
    except ssl.SSLError as error:
        _log.warning("OpenSSL refuses an authority; callers with its certificates are cut off", cause=error)


def _names_in(leaf: x509.Certificate) -> list[str]:
    """Return the host names a certificate is for: its common name, and its alternative names."""
    names = [str(name.value) for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        pass
    else:
        names += alternatives.get_values_for_type(x509.DNSName)
    return names


_TRUST = "see --tls-cert-file, or the APIService's caBundle"
_EXPLANATIONS = {
    "HTTP_REQUEST": ("plain_http", "the caller speaks plain HTTP", "use https"),
    "UNSUPPORTED_PROTOCOL": ("version", "the caller's TLS version is too old", "see --tls-min-version"),
    "WRONG_VERSION_NUMBER": ("not_tls", "the caller does not speak TLS", "use https"),
    "NO_SHARED_CIPHER": ("cipher", "no cipher suite in common", "see --tls-cipher-suites"),
    "TLSV1_ALERT_UNKNOWN_CA": ("distrusted", "the caller does not trust our certificate", _TRUST),
    "SSLV3_ALERT_BAD_CERTIFICATE": ("distrusted", "the caller refuses our certificate", _TRUST),
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": ("distrusted", "the caller refuses our certificate", _TRUST),
}  # fmt: skip


_TOO_EARLY = HandshakeFailure(
    "too_early",
    "the caller showed a certificate, and it is not known yet whose are good",
    "it will come back; if this lasts, /readyz?verbose says what is missing",
)


def _explain(error: ssl.SSLError, *, judged: bool) -> HandshakeFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        if not judged:
            return _TOO_EARLY
        return HandshakeFailure(
            "client_certificate",
            f"the caller's certificate was refused: {error.verify_message}",
            "no certificate is needed; one that is presented must be of an authority of this cluster",
        )
    reason = error.reason or type(error).__name__
    if known := _EXPLANATIONS.get(reason):
        return HandshakeFailure(*known)
    return HandshakeFailure("other", reason.lower().replace("_", " "), "")
