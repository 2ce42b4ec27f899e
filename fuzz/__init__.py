"""Five promises about what comes from outside, each held against any bytes.

``python -m fuzz decoder --seconds 60`` runs one of them with atheris, which looks for bytes that take new ways through
the code; the tests hold the same functions against what hypothesis makes up. The docstring of each module is its
promise. A module offers ``one(data)``, which fails when the promise is broken, and ``seeds()``, bytes to begin with.
"""

from __future__ import annotations

TARGETS = ("decoder", "watch", "requests", "selectors", "identity")
