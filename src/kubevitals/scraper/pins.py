"""Trust on first use: the certificate that each node showed first, and no other from then on. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kubevitals.errors import ConfigError, ScrapeError
from kubevitals.quoting import quote
from kubevitals.scraper.causes import failure

_LINE: Final = re.compile(r"(?P<node>[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?) sha256:(?P<digits>[0-9a-f]{64})", re.ASCII)
_HEAD: Final = "# Certificates of kubelets, as first seen. Delete a node's line to accept the one that it shows next.\n"


class Pins:
    """One fingerprint per node.

    Args:
        known: fingerprints by node name, from an earlier run.
        kept_in: where a person finds them, as it is told in a remedy.
    """

    def __init__(self, known: Mapping[str, str], kept_in: str) -> None:
        self._known = dict(known)
        self._kept_in = kept_in

    def __len__(self) -> int:
        """Return how many nodes have one."""
        return len(self._known)

    def check(self, node: str, fingerprint: str) -> ScrapeError | None:
        """Return why a node's certificate is refused; one that has none yet is remembered."""
        known = self._known.setdefault(node, fingerprint)
        if known == fingerprint:
            return None
        return failure(
            "pin_changed",
            f"its fingerprint is sha256:{fingerprint}, where sha256:{known} was seen first",
            f"Find out why the kubelet has another certificate; if it was renewed on purpose, accept it by deleting "
            f"{node} from {self._kept_in}.",
        )

    def forget(self, node: str) -> None:
        """Forget a node that no longer exists."""
        self._known.pop(node, None)

    def replace(self, known: Mapping[str, str]) -> None:
        """Take what a person has made of them."""
        self._known = dict(known)

    def known(self) -> dict[str, str]:
        """Return fingerprints by node name, as they are now."""
        return dict(self._known)


def written(known: Mapping[str, str]) -> str:
    """Return fingerprints as text, a line for each node, by name."""
    return _HEAD + "".join(f"{node} sha256:{digits}\n" for node, digits in sorted(known.items()))


def read(text: str) -> dict[str, str]:
    """Return the fingerprints that a text holds; blank lines and those that begin with ``#`` mean nothing.

    Raises:
        ConfigError: a line is none of these.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise ConfigError(f"line {number} is not of the form NODE sha256:64-HEX-DIGITS: {quote(stripped[:80])}")
        found[match["node"]] = match["digits"]
    return found
