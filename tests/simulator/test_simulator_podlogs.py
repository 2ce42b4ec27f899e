"""The logs of pods."""

from __future__ import annotations

import pytest

from kubevitals.simulator import roles
from kubevitals.simulator.kinds import PODS
from kubevitals.simulator.podlogs import PodLogs
from kubevitals.simulator.status import Refused

TEXT = "one\ntwo\nthree\n"


def pod(*containers: str, **status) -> dict:
    spec = {"containers": [{"name": name} for name in containers], "initContainers": [{"name": "init"}]}
    return {"metadata": {"namespace": "ns", "name": "p"}, "spec": spec, "status": status}


@pytest.fixture
def logs():
    made = PodLogs()
    made["ns", "p"] = TEXT
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, TEXT),
        ({"container": "c"}, TEXT),
        ({"tailLines": "2"}, "two\nthree\n"),
        ({"tailLines": "0"}, ""),
        ({"tailLines": "9"}, TEXT),
        ({"limitBytes": "5"}, "one\nt"),
        ({"tailLines": "1", "limitBytes": "2"}, "th"),
        ({"previous": "false"}, TEXT),
    ],
)
def test_a_part_of_a_log(logs, query, expected):
    """The last lines are chosen first, and of them the first bytes."""
    assert logs.read(pod("c"), query) == expected


@pytest.mark.parametrize(
    ("containers", "query", "code", "message"),
    [
        (
            "ab",
            {},
            400,
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [init]",
        ),
        ("a", {"container": "z"}, 400, "container z is not valid for pod p"),
        ("a", {"previous": "true"}, 400, 'previous terminated container "a" in pod "p" not found'),
        ("a", {"tailLines": "x"}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (
            "a",
            {"tailLines": "-1"},
            422,
            'PodLogOptions "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
        ),
        (
            "a",
            {"limitBytes": "0"},
            422,
            'PodLogOptions "" is invalid: limitBytes: Invalid value: 0: must be greater than or equal to 1',
        ),
    ],
)
def test_what_is_no_log(logs, containers, query, code, message):
    """Each refusal is worded as Kubernetes words it."""
    with pytest.raises(Refused) as refused:
        logs.read(pod(*containers), query)
    assert (refused.value.code, refused.value.status["message"]) == (code, message)


def test_a_container_has_a_log_of_its_own_and_one_before(logs):
    """By container a log is found before that of the whole pod; the run before has its own."""
    logs["ns", "p", "b"] = "b"
    logs.previous["ns", "p", "b"] = "before"
    both = pod("a", "b")
    assert [logs.read(both, {"container": name}) for name in "ab"] == [TEXT, "b"]
    assert logs.read(both, {"container": "b", "previous": "true"}) == "before"


@pytest.mark.parametrize(
    ("reason", "why"),
    [("ImagePullBackOff", "trying and failing to pull image"), ("ContainerCreating", "ContainerCreating")],
)
def test_a_container_that_waits_has_no_log(reason, why):
    """The refusal says what it waits for."""
    waiting = pod("a", containerStatuses=[{"name": "a", "state": {"waiting": {"reason": reason}}}])
    with pytest.raises(Refused, match=f'container "a" in pod "p" is waiting to start: {why}'):
        PodLogs().read(waiting, {})


async def test_a_log_is_read_over_the_wire(cluster, admin, call):
    """It is plain text, 404 without the pod, and needs the right to get pods/log."""
    item = cluster.registry[PODS].items()[0]["metadata"]
    cluster.logs[item["namespace"], item["name"]] = TEXT
    path = f"/api/v1/namespaces/{item['namespace']}/pods/{item['name']}/log?tailLines=1"
    async with admin.open(path) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (200, "text/plain", "three\n")
    status, found = await admin.ask("/api/v1/namespaces/default/pods/nobody/log")
    assert (status, found["message"]) == (404, 'pods "nobody" not found')
    status, found = await call("jane").ask(path)
    assert (status, 'cannot get resource "pods/log"' in found["message"]) == (403, True)
    cluster.registry.create(*roles.binding("jane", "view", [roles.user("jane")], item["namespace"]))
    assert await call("jane").text(path) == (200, "three\n")
