"""YAML for people and for every parser: fields in their order, text quoted where any parser could misread it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from kubevitals.manifests.shape import Manifest

# What YAML 1.1 or 1.2 takes for a truth value, nothing, or a number, date or time in any notation. PyYAML quotes only
# what it would misread itself, and kubectl's parser takes more for numbers than it does.
_MISREAD = re.compile(r"(?:y|n|yes|no|on|off|true|false|null|~)|[-+.]?[.0-9_][-+.:_0-9a-fox]*", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    """Writes text by our rule, and what occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = '"' if not value or _MISREAD.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def documents(manifests: Sequence[Manifest]) -> str:
    """Return a stream of one document for each object."""
    return yaml.dump_all(
        manifests, Dumper=_Dumper, sort_keys=False, explicit_start=True, default_flow_style=False, width=float("inf")
    )
