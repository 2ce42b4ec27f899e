"""Events about the server's own pod."""

from __future__ import annotations

import pytest
from tests.app.object_api import ObjectApi

from kubevitals.app.events import Events, OwnPod, own_pod
from kubevitals.errors import ApiStatusError, ConfigError
from kubevitals.simulator.kinds import EVENTS, Object

POD = OwnPod("kube-system", "metrics-server-abc", "123-456")
FAILING = "1 of 12 nodes scraped: 11 × connection refused"


class Clock:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api() -> ObjectApi:
    return ObjectApi()


@pytest.fixture
def events(api: ObjectApi, clock: Clock) -> Events:
    return Events(api, POD, clock)


def published(api: ObjectApi) -> list[Object]:
    return list(api.registry[EVENTS].items())


async def test_an_event_says_what_the_log_says(api: ObjectApi, events: Events) -> None:
    """It is a warning about the server's pod, by which kubectl describe finds it."""
    events.note("refused", FAILING)
    await events.publish()
    [event] = published(api)
    assert event["message"] == FAILING
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "NodesNotScraped", 1)
    assert event["involvedObject"] == {
        "apiVersion": "v1", "kind": "Pod", "namespace": "kube-system", "name": "metrics-server-abc", "uid": "123-456",
    }  # fmt: skip
    assert event["metadata"]["name"].startswith("metrics-server-abc.")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-09-21T14:13:20Z"


async def test_what_lasts_is_told_every_half_hour(api: ObjectApi, clock: Clock, events: Events) -> None:
    """The API server forgets Events after an hour."""
    for _ in range(13):
        events.note("refused", FAILING)
        await events.publish()
        for event in published(api):
            api.registry.delete(EVENTS, event["metadata"]["name"], "kube-system")
        clock.now += 300
    assert api.writes == 3


async def test_recovery_is_told_once_and_health_never(api: ObjectApi, clock: Clock, events: Events) -> None:
    """A server that never had trouble creates no Event."""
    for _ in range(3):
        events.note("", "12 of 12 nodes scraped")
        await events.publish()
        clock.now += 4000
    assert published(api) == []
    events.note("refused", FAILING)
    events.note("", "12 of 12 nodes scraped")
    await events.publish()
    [event] = published(api)
    assert (event["type"], event["reason"]) == ("Normal", "NodesScraped")


async def test_a_missing_right_is_told_once(
    api: ObjectApi, clock: Clock, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the remedy; scraping does not suffer."""
    api.fault = ApiStatusError(403, "Forbidden", "events is forbidden")
    for _ in range(3):
        events.note("refused", FAILING)
        await events.publish()
        clock.now += 2000
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "let our service account create events" in str(record.__dict__)


async def test_a_long_sentence_is_cut(api: ObjectApi, events: Events) -> None:
    """The API server takes 1,024 characters."""
    events.note("refused", "x" * 5000)
    await events.publish()
    assert len(published(api)[0]["message"]) == 1024


def test_the_manifest_has_to_tell_which_pod_it_is() -> None:
    """The error names what is missing and where it comes from."""
    full = {"POD_NAMESPACE": "kube-system", "POD_NAME": "metrics-server-abc", "POD_UID": "123-456"}
    assert own_pod(full) == POD
    with pytest.raises(ConfigError, match=r"--publish-events: POD_UID not set; .*metadata\.uid"):
        own_pod(full | {"POD_UID": ""})
