"""The OpenAPI documents, from which ``kubectl explain`` reads. Pure.

The API server merges these into the cluster's own, so that nothing but the group's own paths is published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from kubevitals import __version__
from kubevitals.api.encoding.json import dumps
from kubevitals.api.etag import etag_of, not_modified
from kubevitals.api.group import GROUP, VERSIONS
from kubevitals.api.message import Request, Response
from kubevitals.api.negotiation import first_accepted
from kubevitals.api.openapi import protobuf, v2, v3
from kubevitals.api.openapi.operations import Operation, group_operations, version_operations
from kubevitals.api.openapi.schemas import metrics

PATHS = ("/openapi/v2", "/openapi/v3", "/openapi/v3/")

_TITLE = "kubevitals"
_ROOT = "/openapi/v3"
_JSON = "application/json"


class Document(NamedTuple):
    """A document as JSON, its ETag header, and its other forms by media type."""

    body: bytes
    etag: str
    others: Mapping[str, bytes] = MappingProxyType({})


def answer(request: Request, release: str = __version__) -> Response | None:
    """Answer a request below ``/openapi/``, whatever its method; None where there is no document.

    Args:
        request: what was asked; its Accept and If-None-Match headers count, a ``hash`` does not.
        release: the version of this program, which the documents name.
    """
    document = _find(request.path, release)
    if document is None:
        return None
    forms = {_JSON: document.body, **document.others}
    media_type = first_accepted(request.headers.get("Accept"), list(forms))
    if not media_type:
        return Response(406, headers=[("Vary", "Accept")])
    headers = [("ETag", document.etag), ("Vary", "Accept")]
    if not_modified(document.etag, request.headers.get("If-None-Match")):
        return Response(304, headers=headers)
    named = protobuf.MEDIA_TYPE if media_type == protobuf.OLD_MEDIA_TYPE else media_type
    return Response(200, [forms[media_type]], named, headers)


def _find(path: str, release: str) -> Document | None:
    fixed: dict[str, Callable[[str], Document]] = {"/openapi/v2": swagger, _ROOT: root, f"{_ROOT}/": root}
    if path in fixed:
        return fixed[path](release)
    return group_document(path.removeprefix(f"{_ROOT}/"), release)


@lru_cache(maxsize=4)
def swagger(release: str) -> Document:
    """Return the document at ``/openapi/v2``.

    Args:
        release: the version of this program.
    """
    operations = [operation for path in _paths() for operation in _operations(path)]
    schemas = {name: schema for version in VERSIONS for name, schema in metrics(version).items()}
    content = v2.document(_TITLE, release, operations, schemas)
    message = protobuf.message(content)
    others = {protobuf.OLD_MEDIA_TYPE: message, protobuf.MEDIA_TYPE: message}
    return _document(content)._replace(others=others)


@lru_cache(maxsize=4)
def root(release: str) -> Document:
    """Return the document at ``/openapi/v3``: where the others are, each with its hash."""
    return _document({"paths": {path: {"serverRelativeURL": _url(path, release)} for path in sorted(_paths())}})


def group_document(path: str, release: str) -> Document | None:
    """Return the document at ``/openapi/v3/PATH``, the current one whatever hash was asked for.

    A redirect to the right hash, as upstream sends, is refused by newer API servers.

    Args:
        path: such as ``apis/metrics.k8s.io/v1beta1``.
        release: the version of this program.

    Returns:
        the document, or None where there is none.
    """
    return _group_document(path, release) if path in _paths() else None


@lru_cache(maxsize=16)
def _group_document(path: str, release: str) -> Document:
    version = path.rpartition("/")[2]
    schemas = metrics(version) if version in VERSIONS else {}
    return _document(v3.document(_TITLE, release, _operations(path), schemas))


def _paths() -> list[str]:
    return [f"apis/{GROUP}", *(f"apis/{GROUP}/{version}" for version in VERSIONS)]


def _operations(path: str) -> list[Operation]:
    version = path.rpartition("/")[2]
    return version_operations(version) if version in VERSIONS else group_operations()


def _url(path: str, release: str) -> str:
    tag = _group_document(path, release).etag.strip('"')
    return f"{_ROOT}/{path}?hash={tag}"


def _document(content: dict[str, Any]) -> Document:
    body = dumps(content)
    return Document(body, etag_of(body))
