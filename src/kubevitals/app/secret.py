"""A Secret that the server keeps something in: read, and changed key by key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable, KubevitalsError


class ObjectClient(Protocol):
    """Reads and changes single objects; ``kube.client.ApiClient`` does."""

    async def get(self, path: str) -> bytes:
        """Return the body of a GET."""
        ...

    async def patch(self, path: str, change: bytes) -> bytes:
        """Merge a change into an object; return its new form."""
        ...


class Remedy(NamedTuple):
    """What helps against a problem with a Secret, and whether a person has to act for it."""

    text: str
    urgent: bool


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    uid: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    data: dict[str, str] | None = None


_OBJECT = msgspec.json.Decoder(_Object)


class Secret:
    """One Secret, which must exist: a right to create Secrets cannot be limited to one name.

    Args:
        client: speaks to the API server.
        namespace: where it is.
        name: its name.
    """

    def __init__(self, client: ObjectClient, namespace: str, name: str) -> None:
        self._client = client
        self._namespace, self._name = namespace, name
        self._path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}"
        self._version = ""
        self.uid = ""  # of the object that was read last

    def remedy(self, problem: KubevitalsError) -> Remedy:
        """Return what helps against an error of reading or writing it, or of understanding its content."""
        where, name = self._namespace, self._name
        if isinstance(problem, ApiUnreachable):
            return Remedy("It is tried again; nothing else is to be done here.", urgent=False)
        if not isinstance(problem, ApiStatusError):
            return Remedy(
                f"Mend the content of the Secret {where}/{name}, or remove its data to begin anew.", urgent=True
            )
        if problem.code == 404:
            return Remedy(f"Create it: kubectl -n {where} create secret generic {name}", urgent=True)
        if problem.code == 403:
            return Remedy(f"Let our service account get and patch the Secret {where}/{name}.", urgent=True)
        return Remedy("Look into what the API server says; it is tried again.", urgent=True)

    async def read(self) -> dict[str, bytes]:
        """Return what is in it.

        Raises:
            ApiServerError: it is not there, must not be read, or is not to be understood.
        """
        return self._taken(await self._client.get(self._path))

    async def write(self, changes: Mapping[str, bytes | None], *, unchanged: bool = False) -> dict[str, bytes]:
        """Set keys, remove those that are None, and return what is in it then.

        Args:
            changes: by key.
            unchanged: only if nobody has changed it since it was read or written here.

        Raises:
            ApiServerError: it may not be written; with ``unchanged`` also 409, when somebody else was faster.
        """
        data = {key: None if value is None else base64.b64encode(value).decode() for key, value in changes.items()}
        metadata = {"resourceVersion": self._version} if unchanged else {}
        change = msgspec.json.encode({"metadata": metadata, "data": data})
        return self._taken(await self._client.patch(self._path, change))

    def _taken(self, body: bytes) -> dict[str, bytes]:
        try:
            found = _OBJECT.decode(body)
            data = {key: base64.b64decode(value, validate=True) for key, value in (found.data or {}).items()}
        except (msgspec.MsgspecError, binascii.Error) as error:
            raise ApiServerError(f"the API server answered with no Secret: {error}") from error
        self._version, self.uid = found.metadata.resource_version, found.metadata.uid
        return data
