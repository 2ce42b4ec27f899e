"""Adds rows up: by namespace, owner or node, and all of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from kubevitals.top.model import Bounds, Row, plus, plus_if_all, together

BY_NAMESPACE, BY_OWNER, BY_NODE = "namespace", "owner", "node"
GROUPS = (BY_NAMESPACE, BY_OWNER, BY_NODE)


def grouped(rows: Iterable[Row], by: str) -> list[Row]:
    """Return one row for each namespace, owner (in its namespace) or node, by name.

    Args:
        rows: of pods.
        by: one of ``GROUPS``.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_group(row, by)].append(row)
    return [total(found, name, namespace) for (namespace, name), found in sorted(groups.items())]


def _group(row: Row, by: str) -> tuple[str, str]:
    if by == BY_OWNER:
        return row.namespace, row.owner
    return "", row.namespace if by == BY_NAMESPACE else row.node


def total(rows: Sequence[Row], name: str, namespace: str = "") -> Row:
    """Return the sum of rows.

    Limits are only known where every row has one: what one pod may take without end, all of them may.
    """
    return Row(
        name,
        namespace,
        use=together(row.use for row in rows),
        bounds=Bounds(
            plus(row.bounds.requests for row in rows),
            plus_if_all(row.bounds.limits for row in rows),
        ),
        allocatable=plus(row.allocatable for row in rows),
        pods=sum(1 if row.pods is None else row.pods for row in rows),
        unmeasured=sum(row.unmeasured or (row.use is None) for row in rows),
    )
