"""Takes names and addresses out of text, so that it can be shown to strangers. Pure.

The same name becomes the same placeholder throughout, so that what belongs together still does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

_TOKEN = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_ADDRESS = re.compile(
    r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,6}(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)|"  # of IPv4, written as IPv6
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d)|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"
)
_URL_HOST = re.compile(r"(?<=https://)[^/:\s\"']+")
_FINGERPRINT = re.compile(r"\b[0-9a-f]{64}\b")


def without_tokens(text: str) -> str:
    """Return a text without anything that is a bearer token, whoever may have put it there."""
    return _TOKEN.sub(lambda found: f"{found[1] or ''}<token>", text)


class Redactor:
    """Replaces names of a cluster, addresses, hosts and fingerprints.

    Args:
        known: names to be replaced, by the kind that the placeholder names, such as ``node``.
    """

    def __init__(self, known: Mapping[str, Iterable[str]]) -> None:
        self._numbers: dict[tuple[str, str], str] = {}
        names = sorted({(name, kind) for kind, some in known.items() for name in some if name}, reverse=True)
        names.sort(key=lambda pair: -len(pair[0]))
        self._kinds = dict(reversed(names))
        pattern = "|".join(re.escape(name) for name, _ in names)
        self._known = re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])") if names else None

    def __call__(self, text: str) -> str:
        """Return the text with placeholders such as ``<node-1>`` and ``<address-2>``."""
        text = without_tokens(text)
        if self._known is not None:
            text = self._known.sub(lambda found: self._placeholder(self._kinds[found[0]], found[0]), text)
        text = _URL_HOST.sub(self._host, text)
        text = _ADDRESS.sub(self._address, text)
        return _FINGERPRINT.sub(lambda found: self._placeholder("fingerprint", found[0]), text)

    def _host(self, found: re.Match[str]) -> str:
        host = found[0]
        return host if host.startswith("<") or _is_address(host) else self._placeholder("host", host)

    def _address(self, found: re.Match[str]) -> str:
        return self._placeholder("address", found[0]) if _is_address(found[0]) else found[0]

    def _placeholder(self, kind: str, name: str) -> str:
        taken = sum(known == kind for known, _ in self._numbers)
        return self._numbers.setdefault((kind, name), f"<{kind}-{taken + 1}>")


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text.strip("[]")))
    except ValueError:
        return False
