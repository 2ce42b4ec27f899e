"""Thousands of objects at once, written where kube-apiserver keeps them: through its API they take minutes.

Each is a write of its own. Objects of one transaction would share a resource version, which no API server expects.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

AT_ONCE = 500  # entries per piece of work
WORKERS = 4


def store(port: int, entries: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Put (key, object) pairs into an etcd on loopback, through its JSON gateway."""
    remaining = iter(entries)
    chunks = iter(lambda: list(itertools.islice(remaining, AT_ONCE)), [])
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda chunk: _put(port, chunk), chunks):
            pass


def _put(port: int, entries: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        for key, value in entries:
            body = {"key": _b64(key), "value": _b64(json.dumps(value))}
            connection.request("POST", "/v3/kv/put", json.dumps(body))
            response = connection.getresponse()
            answer = response.read()
            assert response.status == 200, answer
    finally:
        connection.close()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
