"""The contexts for connections to the API server and to kubelets."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from kubevitals import logs
from kubevitals.errors import ConfigError
from kubevitals.tls.keypair import parse_key_pair

_log = logs.get(__name__)

Certificate = tuple[bytes, bytes]  # PEM chain, PEM key


def client_context(
    ca_pem: bytes | None, *, insecure: bool = False, certificate: Certificate | None = None
) -> ssl.SSLContext:
    """Return a context that judges serving certificates as Go's TLS client does; for many connections.

    Any certificate of the bundle is an anchor, authorities need no key identifiers, and the common name is no
    host name.

    Args:
        ca_pem: the bundle to trust; None trusts the authorities of the system.
        insecure: accept every certificate; the caller may still compare fingerprints.
        certificate: PEM chain and PEM key to show a kubelet that asks for them.

    Raises:
        ConfigError: the bundle, or the certificate and its key, cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_pem is None:
        context.load_default_certs()
    else:
        _trust(context, ca_pem)
    if certificate is not None:
        parse_key_pair(*certificate).load_into(context)
    return context


def check(what: str, *, ca_pem: bytes | None = None, certificate: Certificate | None = None) -> None:
    """Try authorities, or a certificate and its key, before they are needed.

    Raises:
        ConfigError: they cannot be used; ``what`` says where they stand.
    """
    try:
        client_context(ca_pem, insecure=ca_pem is None, certificate=certificate)
    except ConfigError as error:
        raise ConfigError(f"{what}: {error}") from error


class ReloadingContext:
    """The context for new connections, made anew when authorities or client certificate change.

    Args:
        ca_pem: gives the authorities to trust, as they are now.
        certificate: gives what to show, as it is now.
        insecure: accept any certificate.
    """

    def __init__(
        self,
        ca_pem: Callable[[], bytes | None],
        certificate: Callable[[], Certificate | None],
        *,
        insecure: bool = False,
    ) -> None:
        self._ca_pem = ca_pem
        self._certificate = certificate
        self._insecure = insecure
        self._made_of: tuple[bytes | None, Certificate | None] | None = None
        self._context: ssl.SSLContext | None = None

    def current(self) -> ssl.SSLContext:
        """Return the context; after a change that cannot be used, the last good one.

        Raises:
            ConfigError: there has not been a good one.
        """
        parts = (self._ca_pem(), self._certificate())
        if parts != self._made_of or self._context is None:
            self._context = self._make(*parts)
            self._made_of = parts
        return self._context

    def _make(self, ca_pem: bytes | None, certificate: Certificate | None) -> ssl.SSLContext:
        try:
            return client_context(ca_pem, insecure=self._insecure, certificate=certificate)
        except ConfigError as error:
            if self._context is None:
                raise
            # Certificate and key may have been read between the two writes of a rotation.
            _log.warning("Keeping the last good certificates", reason=str(error))
            return self._context


def _trust(context: ssl.SSLContext, ca_pem: bytes) -> None:
    try:
        context.load_verify_locations(cadata=ca_pem.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError("the certificate authority is no PEM certificate") from error
