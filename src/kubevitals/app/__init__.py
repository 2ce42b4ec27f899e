"""The composition root: here, and nowhere else, every part is known to the others."""

from kubevitals.app.server import Server

__all__ = ["Server"]
