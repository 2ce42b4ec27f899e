"""A standing problem is logged when it begins, changes and ends."""

from __future__ import annotations

import logging

from kubevitals import logs
from kubevitals.api.trouble import Trouble


def test_trouble_is_logged_when_it_changes(caplog):
    """Repeating a problem logs nothing; another one, and the end, do."""
    caplog.set_level(logging.INFO, "kubevitals")
    trouble = Trouble(logs.get("test"), "thing", "mend it")

    trouble.end()
    for problem in ("broken", "broken", "worse"):
        trouble.begin(problem)
    trouble.end()
    trouble.end()

    seen = [(record.levelname, record.pairs.get("cause")) for record in caplog.records]
    assert seen == [("WARNING", "broken"), ("WARNING", "worse"), ("INFO", None)]


def test_urgent_trouble_is_an_error_with_a_remedy(caplog):
    """What a person must act on is logged as an error, and says what to do."""
    Trouble(logs.get("test"), "thing", "mend it").begin("broken", urgent=True)

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert caplog.records[0].pairs == {"about": "thing", "cause": "broken", "remedy": "mend it"}
