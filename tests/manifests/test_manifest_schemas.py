"""The objects against the schemas of every Kubernetes release that there are schemas for."""

from __future__ import annotations

import json
from functools import lru_cache

import kubernetes_validate
import pytest
from kubernetes_validate import utils
from tests.manifests.choices import EVERYTHING

from kubevitals.manifests import Manifest, Options, objects

RELEASES = [f"1.{minor}" for minor in range(25, 38)]
DISTINCT = list({json.dumps(each): each for options in EVERYTHING for each in objects(options)}.values())


@pytest.fixture(autouse=True)
def _read_schemas_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of schemas has megabytes, and the library reads it for each object."""
    monkeypatch.setattr(utils, "schema_contents", lru_cache(utils.schema_contents))


@pytest.mark.parametrize("release", RELEASES)
def test_every_object_is_valid(release: str) -> None:
    """No field is unknown, missing or of another type, whatever the options."""
    for manifest in DISTINCT:
        assert validated(manifest, release) == release


def test_there_is_something_to_validate() -> None:
    """The schemas of all releases are there, and all kinds are among the objects."""
    assert {utils.major_minor(version) for version in utils.all_versions()} >= set(RELEASES)
    assert len({each["kind"] for each in DISTINCT}) == 10


@pytest.mark.parametrize("release", [RELEASES[0], RELEASES[-1]])
def test_a_wrong_field_is_found(release: str) -> None:
    """The check can fail: an unknown field of any kind is an error."""
    for manifest in objects(Options(replicas=2)):
        with pytest.raises(kubernetes_validate.ValidationError, match="wrongField"):
            validated(manifest | {"wrongField": 1}, release)


def validated(manifest: Manifest, release: str) -> str:
    """Validate, unknown fields included, and return the release of the schema; a kind without one is an error."""
    return str(kubernetes_validate.validate(manifest, release, strict=True))
