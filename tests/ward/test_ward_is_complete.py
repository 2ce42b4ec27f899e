"""Nothing is diagnosed that was never seen to happen."""

from __future__ import annotations

from tests.ward.ward import GOLDEN

from kubevitals.doctor.catalogue import CHECKS


def test_every_row_of_the_catalogue_is_provoked() -> None:
    """Each has a text of a cluster in which it was found, and no text is left over."""
    assert {path.name[:3] for path in GOLDEN.iterdir()} == {check.id for check in CHECKS}
