"""The worlds of ``tests.whole``, in which things go wrong here."""

from __future__ import annotations

from tests.whole.conftest import still, world

__all__ = ["still", "world"]
