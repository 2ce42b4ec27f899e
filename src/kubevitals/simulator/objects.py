"""Requests for objects: reading, watching, writing, and the reviews that are created but never kept."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping

from aiohttp import web

from kubevitals.model import User
from kubevitals.quantity import format_time
from kubevitals.simulator import kinds, listing, negotiation, rbac, reviews, signing, status, writes
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.faults import ApiFaults
from kubevitals.simulator.kinds import Kind, Object
from kubevitals.simulator.registry import Registry
from kubevitals.simulator.replies import Reply, send
from kubevitals.simulator.tokens import Tokens
from kubevitals.simulator.watch import Watch, shaped, shaped_list

_TOKEN_SECONDS = 3600
_REVIEWS = 100  # that are remembered


class Objects:
    """The part of the API server that serves the registry.

    Args:
        registry: the objects.
        tokens: issues and checks service-account tokens.
        faults: what is to go wrong.
        random: for generated names.

    Attributes:
        bookmark_interval: seconds without a change after which a watch brings a bookmark.
        reviewed: the latest reviews that were asked for, as they came, oldest first.
    """

    def __init__(self, registry: Registry, tokens: Tokens, faults: ApiFaults, random: Callable[[], float]) -> None:
        self._registry = registry
        self._tokens = tokens
        self._faults = faults
        self._random = random
        self.bookmark_interval = 60.0
        self.reviewed: deque[Object] = deque(maxlen=_REVIEWS)

    async def answer(
        self, request: web.BaseRequest, asked: Attributes, query: Mapping[str, str], user: User
    ) -> web.StreamResponse | None:
        """Answer a request that is authorized; None when the resource is not one of ours.

        Raises:
            Refused: with the Status to answer.
        """
        kind = kinds.find(asked.group, asked.version, asked.resource)
        if kind is None:
            return None
        if asked.subresource:
            return await send(request, await self._subresource(kind, asked, request, user))
        if asked.verb not in kind.verbs:
            raise status.method_not_allowed()
        if not kind.stored:
            return await send(request, self._review(kind, await _body(request), user))
        if asked.verb in kinds.READ:
            return await self._read(request, kind, asked, query)
        return await send(request, self._write(kind, asked, await request.read(), request.content_type, user))

    # --- reading --------------------------------------------------------------------------------------------

    async def _read(
        self, request: web.BaseRequest, kind: Kind, asked: Attributes, query: Mapping[str, str]
    ) -> web.StreamResponse:
        form = negotiation.object_form(request.headers.get("Accept", ""))
        if form is None:
            raise status.not_acceptable()
        namespace = asked.namespace if kind.namespaced else ""
        if asked.verb == "get":
            found = self._registry.get(kind, asked.name, namespace)
            return await send(request, Reply.of(shaped(kind, found, form)))
        selected = listing.selection(kind, namespace, query)
        if asked.verb == "watch":
            watch = Watch(self._registry, selected, query, form, bookmark_interval=self.bookmark_interval)
            return await self._stream(request, watch)
        page = listing.page(self._registry, selected, query)
        metadata = listing.list_metadata(selected, page)
        return await send(request, Reply.of(shaped_list(kind, page.items, metadata, form)))

    async def _stream(self, request: web.BaseRequest, watch: Watch) -> web.StreamResponse:
        if self._faults.gone_as_status:
            watch.check()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            async with contextlib.aclosing(watch.lines()) as lines:
                async for line in lines:
                    await response.write(line)
        return response

    # --- writing --------------------------------------------------------------------------------------------

    def _write(self, kind: Kind, asked: Attributes, body: bytes, content_type: str, user: User) -> Reply:
        match asked.verb:
            case "create":
                item = writes.read_object(body, content_type)
                item = signing.requested(item, user) if kind is kinds.SIGNING_REQUESTS else item
                made = writes.create(self._registry, kind, asked.namespace, item, self._random)
                return Reply.of(shaped(kind, made, ""), 201)
            case "update":
                item = writes.read_object(body, content_type)
                if kind is kinds.SIGNING_REQUESTS:
                    item = signing.updated(self._registry.get(kind, asked.name), item)
                return Reply.of(shaped(kind, writes.replace(self._registry, kind, asked, item), ""))
            case "patch":
                patched = writes.patch(self._registry, kind, asked, body, content_type)
                return Reply.of(shaped(kind, patched, ""))
            case _:
                gone = self._registry.delete(kind, asked.name, asked.namespace if kind.namespaced else "")
                return Reply.of(status.success(kind, gone))

    async def _subresource(self, kind: Kind, asked: Attributes, request: web.BaseRequest, user: User) -> Reply:
        """Answer one of the few subresources there are."""
        match kind, asked.subresource, asked.verb:
            case kinds.SERVICE_ACCOUNTS, "token", "create":
                return await self._token(asked, request)
            case kinds.SIGNING_REQUESTS, "approval", "update":
                return self._approval(asked, await _body(request), user)
            case _:
                raise status.not_found(kind, asked.name)

    def _approval(self, asked: Attributes, item: Object, user: User) -> Reply:
        """Take a decision on a signing request, from who may decide for its signer."""
        kind = kinds.SIGNING_REQUESTS
        current = self._registry.get(kind, asked.name)
        questions = signing.approver_questions(current)
        if not any(rbac.authorize(self._registry, user, question).allowed for question in questions):
            raise signing.not_permitted(current)
        return Reply.of(shaped(kind, self._registry.update(kind, signing.decided(current, item)), ""))

    async def _token(self, asked: Attributes, request: web.BaseRequest) -> Reply:
        body = await _body(request)
        account = self._registry.get(kinds.SERVICE_ACCOUNTS, asked.name, asked.namespace)["metadata"]
        lifetime = (body.get("spec") or {}).get("expirationSeconds") or _TOKEN_SECONDS
        token = self._tokens.issue(asked.namespace, asked.name, account["uid"], lifetime=lifetime)
        end = format_time(int(self._registry.now() + lifetime) * 1000)
        head = {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": asked.name},
        }
        answer = head | {
            "spec": body.get("spec") or {},
            "status": {"token": token, "expirationTimestamp": end},
        }
        return Reply.of(answer, 201)

    def _review(self, kind: Kind, body: Object, user: User) -> Reply:
        self.reviewed.append(body)
        if self._faults.reviews_fail:
            raise status.Refused(status.status(500, "InternalError", "Internal error occurred: no answer"))
        match kind:
            case kinds.TOKEN_REVIEWS:
                verdict = reviews.token_review(body, self._tokens.user)
            case kinds.SUBJECT_ACCESS_REVIEWS:
                verdict = reviews.subject_access_review(self._registry, body)
            case kinds.SELF_SUBJECT_ACCESS_REVIEWS:
                verdict = reviews.self_subject_access_review(self._registry, user, body)
            case _:
                verdict = reviews.self_subject_review(user)
        return Reply.of(reviews.answered(kind, body, verdict), 201)


async def _body(request: web.BaseRequest) -> Object:
    return writes.read_object(await request.read(), request.headers.get("Content-Type", ""))
