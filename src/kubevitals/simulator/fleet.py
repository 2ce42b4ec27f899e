"""All kubelets of the simulated cluster: their listeners and certificates."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from kubevitals.simulator import pki
from kubevitals.simulator.kubelet import Kubelet, KubeletProtocol
from kubevitals.simulator.machine import Machine
from kubevitals.simulator.verdicts import Check

_BACKLOG = 128
_CLOSING = 1.0  # seconds
_INTERNAL_ERROR = b"\x15\x03\x03\x00\x02\x02\x50"  # a record of TLS: alert, fatal, 80


class _Refusal(asyncio.Protocol):
    """Ends a TLS handshake with the alert ``internal error``, which asyncio does not send."""

    def __init__(self, connections: set[asyncio.Transport]) -> None:
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(_INTERNAL_ERROR)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._connections.discard(self._transport)


class Fleet:
    """Kubelets by node name, all on one port, each on an address of its own or on one they share.

    Args:
        check: authentication and authorization of a request.
        now: the wall clock.
        client_ca: PEM of the authority whose client certificates name users; empty asks for none.
    """

    def __init__(self, check: Check, *, now: Callable[[], float], client_ca: bytes = b"") -> None:
        self.port = 0
        self._check = check
        self._now = now
        self._client_ca = client_ca
        self._kubelets: dict[str, Kubelet] = {}
        self._owners: dict[str, Kubelet] = {}  # whose an address is, for addresses of one kubelet
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._servers: dict[str, asyncio.Server] = {}
        self._connections: dict[str, set[asyncio.Transport]] = {}

    def __getitem__(self, node: str) -> Kubelet:
        return self._kubelets[node]

    def __iter__(self) -> Iterator[Kubelet]:
        return iter(self._kubelets.values())

    def __contains__(self, node: str) -> bool:
        return node in self._kubelets

    def __len__(self) -> int:
        return len(self._kubelets)

    def add(self, node: str, machine: Machine, address: str, *, shared: bool = False) -> Kubelet:
        """Add a kubelet; ``start`` opens its address. On a shared address its path names the node."""
        kubelet = Kubelet(node, machine)
        self._kubelets[node] = kubelet
        if not shared:
            self._owners[address] = kubelet
        return kubelet

    def remove(self, node: str) -> None:
        """Forget a kubelet; its address, if it has one of its own, is to be stopped first."""
        kubelet = self._kubelets.pop(node)
        self._owners = {address: owner for address, owner in self._owners.items() if owner is not kubelet}

    def certify(self, addresses: Sequence[str], pair: pki.KeyPair) -> None:
        """Use one certificate on these addresses when they are started."""
        self._contexts |= dict.fromkeys(addresses, pki.serving_context(pair, client_ca=self._client_ca))

    async def recertify(self, address: str, pair: pki.KeyPair) -> None:
        """Give one address a certificate of its own; its connections are cut off."""
        await self.stop(address)
        self.certify([address], pair)
        await self.start(address)

    async def decertify(self, address: str) -> None:
        """Let one address end every handshake, as a kubelet without a certificate; its connections are cut off."""
        await self.stop(address)
        connections = self._connections.setdefault(address, set())
        listener = _listener(address, self.port)
        loop = asyncio.get_running_loop()
        self._servers[address] = await loop.create_server(lambda: _Refusal(connections), sock=listener)

    def renew(self, issue: Callable[[Sequence[str]], pki.KeyPair]) -> None:
        """Replace every certificate for connections from now on; those that are open stay.

        Args:
            issue: returns a certificate for the addresses that share it.
        """
        shared: dict[ssl.SSLContext, list[str]] = {}
        for address, context in self._contexts.items():
            shared.setdefault(context, []).append(address)
        for context, addresses in shared.items():
            pki.load_pair(context, issue(addresses))

    async def start(self, address: str) -> None:
        """Listen on an address; the first one finds a free port, which all others use too."""
        if address in self._servers:
            return
        listener = _listener(address, self.port)
        self.port = listener.getsockname()[1]
        connections = self._connections.setdefault(address, set())
        kubelet = self._owners.get(address)

        def protocol() -> KubeletProtocol:
            return KubeletProtocol(self._kubelets.get, kubelet, self._check, self._now, connections)

        loop = asyncio.get_running_loop()
        context = self._contexts[address]
        self._servers[address] = await loop.create_server(protocol, sock=listener, ssl=context, backlog=_BACKLOG)

    async def stop(self, address: str) -> None:
        """Stop listening on an address and cut off its connections."""
        server = self._servers.pop(address, None)
        if server is None:
            return
        server.close()
        for transport in list(self._connections.pop(address, ())):
            transport.abort()
        with contextlib.suppress(TimeoutError):  # a handshake under way holds it up, and ends by itself
            async with asyncio.timeout(_CLOSING):
                await server.wait_closed()

    async def abandon(self, address: str) -> None:
        """Stop an address that no node has any more, and forget its certificate."""
        await self.stop(address)
        self._contexts.pop(address, None)

    async def stop_all(self) -> None:
        """Stop listening altogether."""
        for address in list(self._servers):
            await self.stop(address)


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener
