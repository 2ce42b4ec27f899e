"""From an authorized request to its answer. Synchronous throughout: nothing can change while an answer is made."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from kubevitals.api import discovery, openapi, scrapestatus, status
from kubevitals.api.encoding import Answer, Item, encode, encode_document, encode_status
from kubevitals.api.etag import not_modified
from kubevitals.api.group import GROUP, VERSIONS
from kubevitals.api.health import Health
from kubevitals.api.list_options import BadQuery, InvalidOptions, check_fields, list_options
from kubevitals.api.message import Request, Response
from kubevitals.api.negotiation import (
    Choice,
    Endpoint,
    mismatch,
    negotiate,
    negotiate_error,
    wants_pretty,
    with_include_object,
)
from kubevitals.api.query import query_of, query_pairs, truthy
from kubevitals.api.request import Attributes
from kubevitals.api.resources import Resources
from kubevitals.api.status import Status

_JSON = "application/json"
Lines = list[tuple[str, str]]


class Routes:
    """Every path of the server.

    Args:
        resources: the objects of metrics.k8s.io.
        health: the probes.
        metrics: the answer with the server's own metrics.
        scrape_status: the answer that tells how reading the kubelets goes, in a version of the group.
        served: told of all items that go out, some at a time, to note their age.
        release: the version of this program.
        server_address: how ``/apis`` tells clients to reach this server, such as ``:10250``.
    """

    def __init__(
        self,
        *,
        resources: Resources,
        health: Health,
        metrics: Callable[[], Response],
        scrape_status: Callable[[str], Response],
        served: Callable[[Sequence[Item]], None],
        release: str,
        server_address: str,
    ) -> None:
        self._resources = resources
        self._health = health
        self._metrics = metrics
        self._scrape_status = scrape_status
        self._served = served
        self._version = json.dumps(version_document(release), indent=2).encode()
        self._server_address = server_address
        groups = [f"/apis/{GROUP}", *(f"/apis/{GROUP}/{version}" for version in VERSIONS)]
        self._paths = discovery.root_paths(["/apis", *groups, *health.paths(), "/metrics", *openapi.PATHS, "/version"])

    def answer(self, request: Request, asked: Attributes) -> Response:
        """Answer a request whose sender may make it."""
        path = request.path
        if path == "/apis" or path.startswith("/apis/"):
            return self._api(request, asked)
        if path == "/version" or path.startswith("/version/"):
            return self._program(request)
        if path == "/metrics":
            return self._metrics()
        if path in ("/", "/index.html"):
            return Response(200, [self._paths], _JSON)
        if path.startswith("/openapi/"):
            return openapi.answer(request) or self._unknown()
        return self._health.answer(path, query_pairs(request)) or self._unknown()

    def refusal(self, request: Request, failure: Status, headers: Lines | None = None) -> Response:
        """Return an error as a Status, in the form the caller accepts."""
        choice = negotiate_error(request.headers.get("Accept"), pretty=_pretty(request))
        body = encode_status(failure, choice)
        return Response(failure.code, [body], choice.content_type, list(headers or ()))

    def _unknown(self) -> Response:
        return Response(404, [self._paths], _JSON)

    def _not_allowed(self, request: Request) -> Response:
        return self.refusal(request, status.method_not_allowed())

    def _api(self, request: Request, asked: Attributes) -> Response:
        parts = request.path.strip("/").split("/")
        if request.path not in ("/apis", "/apis/") and parts[1:2] != [GROUP]:
            return self._unknown()
        if not _routed(parts):
            return self.refusal(request, status.resource_not_found())
        if request.method != "GET":
            return self._not_allowed(request)
        if len(parts) < 4:
            return self._discovery(request, parts)
        if parts[3] == scrapestatus.RESOURCE:
            return self._scrape_status(parts[2])
        return self._objects(request, asked)

    def _program(self, request: Request) -> Response:
        if request.path.rstrip("/") != "/version":
            return self.refusal(request, status.resource_not_found())
        if request.method != "GET":
            return self._not_allowed(request)
        choice = negotiate(request.headers.get("Accept"), Endpoint.VERSION)
        if isinstance(choice, Status):
            return self.refusal(request, choice)
        return Response(200, [self._version], _JSON)

    def _discovery(self, request: Request, parts: list[str]) -> Response:
        endpoint = Endpoint.GROUPS if len(parts) == 1 else Endpoint.DISCOVERY
        choice = negotiate(request.headers.get("Accept"), endpoint, pretty=_pretty(request))
        if isinstance(choice, Status):
            return self.refusal(request, choice)
        if len(parts) == 1:
            return self._groups(request, choice)
        document = discovery.api_group() if len(parts) == 2 else discovery.api_resource_list(parts[2])
        return Response(200, [encode_document(document, choice)], choice.content_type)

    def _groups(self, request: Request, choice: Choice) -> Response:
        body, etag = discovery.groups_document(choice, self._server_address)
        if not etag:
            return Response(200, [body], choice.content_type)
        headers = [("ETag", etag), ("Vary", "Accept"), ("Cache-Control", "public")]
        if not_modified(etag, request.headers.get("If-None-Match")):
            return Response(304, [], "", headers)
        return Response(200, [body], choice.content_type, headers)

    def _objects(self, request: Request, asked: Attributes) -> Response:
        query = query_of(request)
        endpoint = Endpoint.OBJECT if _names_object(request.path) else Endpoint.LIST
        choice = negotiate(request.headers.get("Accept"), endpoint, pretty=_pretty(request))
        if isinstance(choice, Status):
            return self.refusal(request, choice)
        found = self._find(asked, query, endpoint)
        if isinstance(found, Answer):
            problem = mismatch(choice, found.kind, single=found.single)
            chosen = problem or with_include_object(choice, query.get("includeObject", ""))
            if isinstance(chosen, Choice):
                return Response(200, [], chosen.content_type, source=encode(self._noted(found), chosen))
            found = chosen
        return self.refusal(request, found)

    def _noted(self, found: Answer) -> Answer:
        """Return an answer whose items are noted when they are taken."""
        if found.single:
            self._served([found.item])
            return found
        return replace(found, slices=self._noting(found.slices))

    def _noting(self, slices: Iterable[Sequence[Item]]) -> Iterator[Sequence[Item]]:
        for items in slices:
            self._served(items)
            yield items

    def _find(self, asked: Attributes, query: dict[str, str], endpoint: Endpoint) -> Answer | Status:
        if endpoint is Endpoint.OBJECT:
            exported = truthy(query.get("export"))
            return status.export_not_supported() if exported else self._resources.get(asked)
        try:
            options = list_options(query)
            check_fields(options.fields)
        except BadQuery as error:
            return status.bad_request(str(error))
        except InvalidOptions as error:
            return status.invalid_list_options(error.causes)
        if options.watch:
            return status.watch_not_supported(asked.resource)
        return self._resources.list_of(asked, options)


def _pretty(request: Request) -> bool:
    return wants_pretty(query_of(request).get("pretty", ""), request.headers.get("User-Agent"))


def _routed(parts: list[str]) -> bool:
    """Tell whether path segments below ``/apis/metrics.k8s.io`` name something that is served."""
    if len(parts) <= 2:
        return True
    if parts[2] not in VERSIONS:
        return False
    match parts[3:]:
        case [] | ["nodes"] | ["nodes", _] | ["pods"] | [scrapestatus.RESOURCE]:
            return True
        case ["namespaces", _, "pods"] | ["namespaces", _, "pods", _]:
            return True
        case _:
            return False


def _names_object(path: str) -> bool:
    """Tell whether a routed path names one object."""
    match path.strip("/").split("/")[3:]:
        case ["nodes", _] | ["namespaces", _, "pods", _]:
            return True
        case _:
            return False


def version_document(release: str) -> dict[str, str]:
    """Return the document at ``/version``: the keys of Kubernetes' version.Info, filled with our own release."""
    major, minor, *_ = release.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{release}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": sys.implementation.name,
        "platform": f"{sys.platform}/{platform.machine()}",
    }
