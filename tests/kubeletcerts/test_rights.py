"""The rules that are printed, and those of the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kubevitals.errors import ApiStatusError, ApiUnreachable
from kubevitals.kubeletcerts import rights
from kubevitals.kubeletcerts.rights import MissingRight, explained

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["kubelet-certificates.md", "kubelet-certificates.zh-CN.md"])
def test_the_documented_role_grants_all_that_is_told(page: str) -> None:
    """Whoever has the ClusterRole of the page never sees a missing right."""
    found = re.search(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.S)
    assert found is not None
    role = yaml.safe_load(found.group(1))
    granted = {_spelled(rule | {"resources": [one]}) for rule in role["rules"] for one in rule["resources"]}
    told = yaml.safe_load(rights.REQUESTS + rights.NODES + rights.APPROVAL)
    assert {_spelled(rule) for rule in told} <= granted


def test_only_a_refusal_is_a_missing_right() -> None:
    """A 403 brings the rules, any other error stays what it is."""
    forbidden = explained(ApiStatusError(403, "Forbidden", "no\nway"), "list nodes", rights.NODES)
    assert isinstance(forbidden, MissingRight)
    assert str(forbidden) == (
        f"this user has no right to list nodes (no way); these rules of a ClusterRole grant it:\n{rights.NODES}"
    )
    for other in (ApiStatusError(500, "InternalError", "no"), ApiUnreachable("gone")):
        assert explained(other, "list nodes", rights.NODES) is other


def _spelled(rule: dict[str, list[str]]) -> str:
    return str(sorted(rule.items()))
