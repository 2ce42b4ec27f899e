"""Those who ask: over HTTPS on loopback, with whatever shows who they are."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import aiohttp

from kubevitals.simulator import pki

Headers = Iterable[tuple[str, str]]

BETA = "/apis/metrics.k8s.io/v1beta1"
STABLE = "/apis/metrics.k8s.io/v1"
NODES, PODS = f"{BETA}/nodes", f"{BETA}/pods"
CUT = (aiohttp.ClientError, OSError)  # what a caller sees that gets no answer
_PATIENCE = aiohttp.ClientTimeout(total=20)


def pods_in(namespace: str) -> str:
    """The path of the pods of one namespace."""
    return f"{BETA}/namespaces/{namespace}/pods"


class Answer(NamedTuple):
    """Status code, body (decoded when it is JSON) and headers."""

    code: int
    body: Any
    headers: Mapping[str, str]


class Caller:
    """Asks one server.

    Args:
        url: where it is.
        trust: the CA its certificate is verified with, PEM.
        pair: client certificate and key; None shows none.
        headers: sent with every request; a name may occur more than once.
        keep: keep connections; without it every request makes a new one.
    """

    def __init__(
        self, url: str, trust: bytes, pair: pki.KeyPair | None = None, headers: Headers = (), *, keep: bool = True
    ) -> None:
        self._url = url
        self._headers = list(headers)
        context: ssl.SSLContext = pki.client_context(trust, pair)
        connector = aiohttp.TCPConnector(ssl=context, force_close=not keep)
        self._session = aiohttp.ClientSession(connector=connector, timeout=_PATIENCE)

    async def close(self) -> None:
        """Close the kept connections."""
        await self._session.close()

    async def ask(self, path: str, *, headers: Headers = (), method: str = "GET") -> Answer:
        """Send a request and return the answer; one of CUT when there is none."""
        lines = [*self._headers, *headers]
        async with self._session.request(method, self._url + path, headers=lines) as response:
            text = await response.text()
            media = response.headers.get("Content-Type", "")
            body = json.loads(text) if media.startswith("application/json") and text else text
            return Answer(response.status, body, response.headers)

    async def code(self, path: str = NODES) -> int:
        """The status code that a path is answered with."""
        return (await self.ask(path)).code

    async def items(self, path: str) -> list[Any]:
        """The items of a list, which must be granted."""
        answer = await self.ask(path)
        assert answer.code == 200, answer
        items: list[Any] = answer.body["items"]
        return items

    async def names(self, path: str = NODES) -> list[str]:
        """The names of a list's items."""
        return [item["metadata"]["name"] for item in await self.items(path)]
