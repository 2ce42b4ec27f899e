"""The rights that looking and approving need, and the sentence for one that is missing. Pure."""

from __future__ import annotations

from typing import Final

from kubevitals.errors import ApiServerError, ApiStatusError

REQUESTS: Final = """\
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests]
  verbs: [list]
"""
NODES: Final = """\
- apiGroups: [""]
  resources: [nodes]
  verbs: [list]
"""
APPROVAL: Final = """\
- apiGroups: [certificates.k8s.io]
  resources: [certificatesigningrequests/approval]
  verbs: [update]
- apiGroups: [certificates.k8s.io]
  resources: [signers]
  resourceNames: [kubernetes.io/kubelet-serving]
  verbs: [approve]
"""
_FORBIDDEN = 403


class MissingRight(ApiServerError):
    """The API server refused for want of a right; the text ends with the rules of a ClusterRole that grant it."""


def explained(error: ApiServerError, what: str, rules: str) -> ApiServerError:
    """Return the error to tell a person: a 403 with the rules that are missing, any other as it is.

    Args:
        error: what the API server said.
        what: what was tried, as in "list nodes".
        rules: of a ClusterRole, YAML.
    """
    if not isinstance(error, ApiStatusError) or error.code != _FORBIDDEN:
        return error
    said = error.message.replace("\n", " ")
    return MissingRight(f"this user has no right to {what} ({said}); these rules of a ClusterRole grant it:\n{rules}")
