"""The group of the API that is served, and its versions in the order clients are told of them. Pure."""

from __future__ import annotations

GROUP = "metrics.k8s.io"

# kubectl takes the first version it is told of, and older clients know no other than v1beta1.
VERSIONS = ("v1beta1", "v1")
