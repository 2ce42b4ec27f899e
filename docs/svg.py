"""What a console has printed, as SVG."""

from __future__ import annotations

import re

from rich.console import Console


def drawn(console: Console, name: str) -> str:
    """Return what a console that records has printed.

    Args:
        console: it.
        name: unique among the pictures of one page.
    """
    svg = console.export_svg(title="kubevitals", unique_id=name)
    # Without the fonts that the export would fetch from elsewhere: any monospaced one will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
