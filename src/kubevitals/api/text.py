"""Text that came from outside, made safe to write as UTF-8. Pure."""

from __future__ import annotations

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """Replace what stands for bytes that were no UTF-8 by U+FFFD, as Go does when it writes JSON."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
