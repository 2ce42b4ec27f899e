"""The certificates a caller presented."""

from __future__ import annotations

import ssl
from typing import Any

_DER = 2  # the encoding that the private method calls ENCODING_DER
_LONGEST = 10  # certificates; no chain that verifies is longer


def peer_chain(ssl_object: ssl.SSLObject | ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates the other side presented, leaf first, DER; empty when there are none.

    Python has a public method for this from 3.13 on. Before that the private one is used where it exists, and
    else the leaf alone: a chain with intermediates is then not verified, which fails closed.
    """
    leaf = ssl_object.getpeercert(binary_form=True)
    if not leaf:
        return ()
    chain = _presented(ssl_object) or (leaf,)
    return chain[:_LONGEST] if chain[0] == leaf else (leaf,)


def _presented(ssl_object: ssl.SSLObject | ssl.SSLSocket) -> tuple[bytes, ...]:
    public: Any = getattr(ssl_object, "get_unverified_chain", None)
    if public is not None:
        return tuple(public())
    private: Any = getattr(getattr(ssl_object, "_sslobj", None), "get_unverified_chain", None)
    if private is None:
        return ()
    return tuple(certificate.public_bytes(_DER) for certificate in private() or ())
