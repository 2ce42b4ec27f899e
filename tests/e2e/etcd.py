"""Thousands of objects at once, written where kube-apiserver keeps them: a request for each takes minutes."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
from collections.abc import Iterable, Mapping

MOST_OPERATIONS = 128  # etcd's default for one transaction


def store(port: int, entries: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Put (key, object) pairs into an etcd on loopback, through its JSON gateway."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        remaining = iter(entries)
        while chunk := list(itertools.islice(remaining, MOST_OPERATIONS)):
            puts = [{"request_put": {"key": _b64(key), "value": _b64(json.dumps(value))}} for key, value in chunk]
            connection.request("POST", "/v3/kv/txn", json.dumps({"success": puts}))
            response = connection.getresponse()
            answer = response.read()
            assert response.status == 200, answer
    finally:
        connection.close()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
