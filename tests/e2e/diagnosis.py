"""What ``kubevitals doctor -o json`` prints, as tests ask for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Diagnosis:
    """What doctor printed with ``-o json``."""

    code: int
    report: Mapping[str, Any]

    @property
    def rows(self) -> list[str]:
        """The ids of what was found, the first first."""
        return [found["id"] for found in self.report["findings"]]

    @property
    def healthy(self) -> bool:
        """Whether it found nothing."""
        assert self.report["healthy"] is (self.code == 0) is (not self.rows)
        return self.code == 0

    @property
    def unseen(self) -> dict[str, int]:
        """The status codes of what could not be looked at."""
        return {seen["path"]: seen["code"] for seen in self.report["unseen"]}

    def state(self, hop: str) -> str:
        """What it says of a hop."""
        return next(f"{walked['state']}: {walked['words']}" for walked in self.report["hops"] if walked["hop"] == hop)

    def finding(self, row: str) -> Mapping[str, Any]:
        """What it found of a row."""
        return next(dict(found) for found in self.report["findings"] if found["id"] == row)

    def says(self, row: str, *words: str) -> bool:
        """Whether summary and evidence of a row have all the words."""
        found = self.finding(row)
        text = "\n".join((found["summary"], *found["evidence"]))
        assert [word for word in words if word not in text] == [], text
        return True

    def remedy(self, row: str, number: int = 0) -> str:
        """A command that helps, as it is printed."""
        return str(self.finding(row)["remedies"][number]["command"])
