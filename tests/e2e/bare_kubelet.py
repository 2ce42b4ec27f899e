"""A kubelet without a serving certificate: it ends every handshake with the alert internal_error."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kubevitals.simulator import pki


@contextmanager
def bare_kubelet(address: str, pair: pki.KeyPair) -> Iterator[int]:
    """Listen on an address for the time of a with block; yields the port.

    Args:
        address: of the node.
        pair: any certificate, which nobody gets to see.
    """
    context = pki.serving_context(pair)
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
    with socket.create_server((address, 0)) as listener:
        threading.Thread(target=_refuse, args=(listener, context), name="bare-kubelet", daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def _refuse(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer, suppress(OSError):
            peer.settimeout(5)
            context.wrap_socket(peer, server_side=True)
