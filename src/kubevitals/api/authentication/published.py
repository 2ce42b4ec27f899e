"""What the ConfigMap ``kube-system/extension-apiserver-authentication`` says.

Each key on its own: one that is missing or cannot be used keeps its last good value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from kubevitals import logs
from kubevitals.api.authentication.certificates import CertificatePool, bundle_pool
from kubevitals.api.authentication.requestheader import FrontProxy
from kubevitals.api.trouble import Trouble
from kubevitals.errors import ConfigError

T = TypeVar("T")
_log = logs.get(__name__)
_WHERE = "ConfigMap kube-system/extension-apiserver-authentication"
_KEPT = "the last good value stays in force"
_NOBODY = "no request that comes through kube-apiserver is authenticated"
_REMEDY = (
    "kube-apiserver writes it from its flags --client-ca-file and --requestheader-*: check those, and that"
    " nothing else edits the ConfigMap"
)


class _Key(Generic[T]):
    """One key's last good value.

    Args:
        name: of the key.
        parse: from its text to its value; raises ConfigError.
        default: the value while there was none.
        without: what does not work then; empty when that is in order.
    """

    def __init__(self, name: str, parse: Callable[[str], T], default: T, without: str = "") -> None:
        self._name = name
        self._parse = parse
        self._default = default
        self._without = without
        self._text = ""
        self._trouble = Trouble(_log, f"{_WHERE}, key {name}", _REMEDY)
        self.value = default
        self.unreadable = False  # there is something, it cannot be used, and nothing good came before it

    def update(self, data: Mapping[str, str]) -> None:
        """Take over the key from the ConfigMap's data, unless it is missing or cannot be used."""
        text = data.get(self._name, "").strip()
        self.unreadable = False
        if not text:
            self._miss()
        elif text == self._text:
            self._trouble.end()
        else:
            self._change(text)

    def forget(self) -> None:
        """Go back to the default."""
        self.value, self._text = self._default, ""
        self._trouble.end()

    def _miss(self) -> None:
        if self._text:
            self._trouble.begin(f"it is missing or empty; {_KEPT}")
        elif self._without:
            self._trouble.begin(f"it is missing or empty; {self._without}")
        else:
            self._trouble.end()

    def _change(self, text: str) -> None:
        try:
            value = self._parse(text)
        except ConfigError as error:
            self.unreadable = not self._text
            self._trouble.begin(f"{error}; {(self._without or _NOBODY) if self.unreadable else _KEPT}")
            return
        self.value, self._text = value, text
        self._trouble.end()


class PublishedTrust:
    """The ConfigMap's two halves, each read only if it is wanted.

    Args:
        client: whether the authority of client certificates is taken from here.
        front_proxy: whether the request-header settings are.
    """

    def __init__(self, *, client: bool, front_proxy: bool) -> None:
        self._wants_client = client
        self._wants_proxy = front_proxy
        nothing: tuple[str, ...] = ()
        self._client = _Key("client-ca-file", _pool, None, "client certificates identify nobody")
        self._proxy = _Key("requestheader-client-ca-file", _pool, None, _NOBODY)
        self._usernames = _Key("requestheader-username-headers", _names, nothing, _NOBODY)
        self._groups = _Key("requestheader-group-headers", _names, nothing, "groups are not taken over")
        self._extra = _Key("requestheader-extra-headers-prefix", _names, nothing, "extra is not taken over")
        self._allowed = _Key("requestheader-allowed-names", _strings, nothing)
        self._uids = _Key("requestheader-uid-headers", _names, nothing, "uids are not taken over")
        self._presence = Trouble(_log, _WHERE, "restart kube-apiserver, which writes it at its start")
        self._seen = False
        self.loaded = False

    @property
    def wanted(self) -> bool:
        """Whether anything is taken from the ConfigMap."""
        return self._wants_client or self._wants_proxy

    @property
    def client(self) -> CertificatePool | None:
        """The authorities of client certificates, None while unknown."""
        return self._client.value

    @property
    def front_proxy(self) -> FrontProxy | None:
        """The request-header settings, None while their authority is unknown."""
        if self._proxy.value is None:
            return None
        return FrontProxy(
            self._proxy.value,
            allowed_names=self._allowed.value,
            username_headers=self._usernames.value,
            group_headers=self._groups.value,
            extra_prefixes=self._extra.value,
            uid_headers=self._uids.value,
            # Not knowing who may is not the same as everybody may.
            refused="the allowed names of the front proxy cannot be read" if self._allowed.unreadable else "",
        )

    def update(self, data: Mapping[str, str] | None) -> None:
        """Take over the ConfigMap's data; None when there is none, which changes nothing."""
        if data is None:
            self._presence.begin(f"it was deleted; {_KEPT}" if self._seen else "it does not exist")
            self.loaded = True
            return
        self._presence.end()
        self._seen = self.loaded = True
        if self._wants_client:
            self._client.update(data)
        if self._wants_proxy:
            self._update_proxy(data)

    def _update_proxy(self, data: Mapping[str, str]) -> None:
        self._proxy.update(data)
        if self._proxy.value is None:
            return  # the names mean nothing without it, and one complaint is enough
        for key in (self._usernames, self._groups, self._extra, self._allowed):
            key.update(data)
        if data.get("requestheader-uid-headers"):
            self._uids.update(data)
        else:
            # An API server that stopped publishing it may be one that passes a caller's own uid header on.
            self._uids.forget()


def _pool(text: str) -> CertificatePool | None:
    return bundle_pool(text.encode())


def _strings(text: str) -> tuple[str, ...]:
    try:
        names = msgspec.json.decode(text, type=list[str] | None)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"it is not a JSON array of strings ({error})") from error
    return tuple(names or ())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in _strings(text) if name)
