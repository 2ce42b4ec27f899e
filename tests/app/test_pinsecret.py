"""Pins in a Secret: shared by replicas, and accepted key by key."""

from __future__ import annotations

import base64

import pytest
from tests.app.object_api import ObjectApi

from kubevitals.app.pinsecret import PinSecret
from kubevitals.app.secret import Secret
from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable
from kubevitals.scraper.certificate import Certificate
from kubevitals.simulator.kinds import SECRETS

PLACE = "kube-system", "pins"


def shown(digit: str) -> Certificate:
    return Certificate(digit * 64, "kubelet", "ca", (), 0.0, 1.0)


def replica(api: ObjectApi) -> PinSecret:
    return PinSecret(Secret(api, *PLACE), "/".join(PLACE), 10.0)


@pytest.fixture
def api() -> ObjectApi:
    """An API server with the Secret, which is empty."""
    api = ObjectApi()
    create(api)
    return api


def create(api: ObjectApi) -> None:
    api.registry.create(SECRETS, {"metadata": {"namespace": PLACE[0], "name": PLACE[1]}})


def kept(api: ObjectApi) -> dict[str, str]:
    data = api.registry.get(SECRETS, PLACE[1], PLACE[0]).get("data") or {}
    return {node: base64.b64decode(text).decode() for node, text in data.items()}


def remove(api: ObjectApi, *nodes: str) -> None:
    found = api.registry.get(SECRETS, PLACE[1], PLACE[0])
    data = {node: text for node, text in found["data"].items() if node not in nodes}
    api.registry.update(SECRETS, {**found, "data": data})


async def test_pins_outlive_the_pod(api: ObjectApi) -> None:
    """What was seen first is in the Secret after the next look, and holds in another pod."""
    first = replica(api)
    await first.settle()
    assert first.judge("n1", shown("a")) is None
    await first.settle()
    assert kept(api) == {"n1": f"sha256:{'a' * 64}"}

    other = replica(api)
    await other.settle()
    assert other.judge("n1", shown("a")) is None
    refused = other.judge("n1", shown("b"))
    assert refused is not None
    assert "deleting n1 from the data of the Secret kube-system/pins" in refused.remedy


async def test_replicas_learn_from_each_other(api: ObjectApi) -> None:
    """Each writes only what it has seen itself, and takes over what the other has."""
    one, two = replica(api), replica(api)
    await one.settle()
    await two.settle()
    one.judge("n1", shown("a"))
    two.judge("n2", shown("b"))
    for each in (one, two, one):
        await each.settle()
    assert kept(api) == {"n1": f"sha256:{'a' * 64}", "n2": f"sha256:{'b' * 64}"}
    assert one.judge("n2", shown("c")) is not None


async def test_a_person_accepts_one_node_by_deleting_its_key(api: ObjectApi) -> None:
    """All others stay as they are, and so does what was seen meanwhile."""
    pins = replica(api)
    await pins.settle()
    for node in ("n1", "n2"):
        pins.judge(node, shown("a"))
    await pins.settle()
    pins.judge("n3", shown("a"))
    remove(api, "n1")
    await pins.settle()
    assert pins.judge("n1", shown("b")) is None
    assert pins.judge("n2", shown("b")) is not None
    assert pins.judge("n3", shown("b")) is not None
    await pins.settle()
    assert sorted(kept(api)) == ["n1", "n2", "n3"]


async def test_a_node_that_is_gone_takes_its_pin_along(api: ObjectApi) -> None:
    """Another node of that name begins anew."""
    pins = replica(api)
    await pins.settle()
    pins.judge("n1", shown("a"))
    await pins.settle()
    pins.forget("n1")
    await pins.settle()
    assert kept(api) == {}
    assert pins.judge("n1", shown("b")) is None


async def test_a_secret_that_was_made_anew_is_filled_again(api: ObjectApi) -> None:
    """That another, empty one has its name must not make the server accept every certificate."""
    pins = replica(api)
    await pins.settle()
    pins.judge("n1", shown("a"))
    await pins.settle()
    api.registry.delete(SECRETS, PLACE[1], PLACE[0])
    await pins.settle()
    create(api)
    await pins.settle()
    assert pins.judge("n1", shown("b")) is not None
    assert kept(api) == {"n1": f"sha256:{'a' * 64}"}


async def test_pins_are_not_known_until_the_secret_was_read(caplog: pytest.LogCaptureFixture) -> None:
    """One line says that someone must act, with the command that mends it; the reason is there for /readyz."""
    api = ObjectApi()
    pins = replica(api)
    for _ in range(3):
        await pins.settle()
    assert "not found" in pins.problem
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "kubectl -n kube-system create secret generic pins" in str(record.__dict__)
    create(api)
    await pins.settle()
    assert pins.problem == ""


async def test_an_api_server_that_is_away_changes_nothing(api: ObjectApi) -> None:
    """The pins in memory hold on, and are written when it is back."""
    pins = replica(api)
    await pins.settle()
    api.fault = ApiStatusError(503, "ServiceUnavailable", "away")
    pins.judge("n1", shown("a"))
    await pins.settle()
    assert pins.judge("n1", shown("b")) is not None
    api.fault = None
    await pins.settle()
    assert kept(api) == {"n1": f"sha256:{'a' * 64}"}


async def test_a_value_that_is_no_pin_is_told_and_not_used(api: ObjectApi, caplog: pytest.LogCaptureFixture) -> None:
    """What a person spoiled is not overwritten either."""
    pins = replica(api)
    await pins.settle()
    pins.judge("n1", shown("a"))
    await pins.settle()
    found = api.registry.get(SECRETS, PLACE[1], PLACE[0])
    api.registry.update(SECRETS, {**found, "data": {"n1": base64.b64encode(b"anything").decode()}})
    await pins.settle()
    assert pins.judge("n1", shown("b")) is not None
    assert kept(api) == {"n1": "anything"}
    assert "ERROR" in {record.levelname for record in caplog.records}


@pytest.mark.parametrize(
    ("fault", "level", "remedy"),
    [
        (
            ApiStatusError(403, "Forbidden", "no"),
            "ERROR",
            "Let our service account get and patch",
        ),
        (ApiStatusError(500, "InternalError", "etcd"), "ERROR", "Look into what the API server says"),
        (ApiUnreachable("away"), "WARNING", "It is tried again"),
    ],
)
async def test_each_problem_has_its_own_remedy(
    api: ObjectApi, fault: ApiServerError, level: str, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An API server that is away is nobody's mistake; a missing right is."""
    api.fault = fault
    await replica(api).settle()
    [record] = caplog.records
    assert record.levelname == level
    assert remedy in str(record.__dict__)
