"""Requests of kubelets for serving certificates: what they ask for, whether a node may have it, and approving it."""

from __future__ import annotations
