"""``/apis/metrics.k8s.io/VERSION/scrapestatus``: how reading each kubelet goes, and what is withheld and why, as JSON.

It is not in discovery, for it is no object of the group; it lies there because whoever has a kubeconfig can reach it
through the API server, which says who asks: ``kubectl get --raw /apis/metrics.k8s.io/v1beta1/scrapestatus``. Its
readers need the right to list ``scrapestatus`` in ``metrics.k8s.io``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from kubevitals.api.group import GROUP
from kubevitals.api.message import Response

RESOURCE: Final = "scrapestatus"
_SLICE: Final = 200  # entries that are made in one go
Entry = Mapping[str, Any]


def answer(version: str, fields: Entry, nodes: Iterable[Entry], withheld: Iterable[Entry]) -> Response:
    """Return the status, whose text is made while it is taken.

    Args:
        version: of the group, as in the path.
        fields: what is told of the whole.
        nodes: an entry for each node.
        withheld: an entry for each object that a kubelet reports and that has no usage.
    """
    head = {"kind": "ScrapeStatus", "apiVersion": f"{GROUP}/{version}", **fields}
    return Response(200, [], "application/json", source=_text(head, nodes, withheld))


def _text(head: Entry, nodes: Iterable[Entry], withheld: Iterable[Entry]) -> Iterator[bytes]:
    yield _json(head)[:-1]
    for key, entries in (("nodes", nodes), ("withheld", withheld)):
        yield b',"%b":[' % key.encode()
        left, between = iter(entries), b""
        while some := list(islice(left, _SLICE)):
            yield between + b",".join(map(_json, some))
            between = b","
        yield b"]"
    yield b"}\n"


def _json(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode()
