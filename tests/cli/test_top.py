"""``kubevitals top`` against the simulated cluster and the real server: what is printed, said, and returned."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import yaml
from tests.in_background import in_background
from tests.processes import free_port
from tests.whole import world as worlds
from tests.whole.world import World

from kubevitals.cli import main
from kubevitals.simulator import templates
from kubevitals.simulator.kinds import API_SERVICES, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, PODS

pytestmark = pytest.mark.timeout(180)
Run = Callable[..., tuple[int, str, str]]


@dataclass
class Lab:
    """A world in the background, and a way to do something in its loop."""

    world: World
    do: Callable[[Callable[[], object]], None]


@asynccontextmanager
async def _world() -> AsyncIterator[World]:
    async with worlds.running() as world:
        await world.measured()
        world.grant(
            (CLUSTER_ROLES, _role("metrics-only", "metrics.k8s.io", "nodes", "pods")),
            (CLUSTER_ROLE_BINDINGS, _binding("metrics-only", "jane")),
        )
        yield world


def _role(name, group, *resources):
    rule = {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list"]}
    return {"metadata": {"name": name}, "rules": [rule]}


def _binding(role, user):
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return {"metadata": {"name": role}, "roleRef": reference, "subjects": [{"kind": "User", "name": user}]}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One world for all tests that only read."""
    with in_background(_world) as (world, loop):
        yield Lab(world, loop.call_soon_threadsafe)


@pytest.fixture
def run(monkeypatch, capfd, tmp_path) -> Run:
    """Runs the command line to its end: exit code, standard output, standard error."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)

    def ended(*argv: object, program: str = "kubevitals") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [program, *map(str, argv)])
        with pytest.raises(SystemExit) as end:
            main(program)
        out, err = capfd.readouterr()
        return end.value.code or 0, out, err

    return ended


@pytest.fixture
def top(lab: Lab, run: Run) -> Run:
    """Runs ``kubevitals top`` as the administrator."""

    def ended(*argv: object, **more: str) -> tuple[int, str, str]:
        return run("top", *argv, f"--kubeconfig={lab.world.cluster.files.admin}", **more)

    return ended


def words(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()]


def use_of(*loads: tuple[int, int]) -> tuple[str, str]:
    return f"{sum(cpu for cpu, _ in loads)}m", f"{sum(memory for _, memory in loads)}Mi"


def near(shown: str, expected: str) -> bool:
    """Rates come out of real time, to a part in a hundred."""
    return abs(int(re.sub(r"\D", "", shown)) - int(re.sub(r"\D", "", expected))) <= 2


# --- tables -------------------------------------------------------------------------------------------------


def test_nodes(top: Run):
    """Every node with its use, in percent of what can be allocated, and without a note."""
    code, out, err = top("nodes")
    heading, *rows = words(out)
    assert (code, err) == (0, "")
    assert heading[:3] == ["NAME", "CPU", "CPU%"]
    assert [row[0] for row in rows] == worlds.NODE_NAMES
    expected = {
        node: use_of(own, *(load for key, load in worlds.LOADS.items() if key[0] == node))
        for node, own in worlds.OVERHEAD.items()
    }
    memory = heading.index("MEMORY")
    assert all(near(row[1], expected[row[0]][0]) and row[memory] == expected[row[0]][1] for row in rows)


def test_one_node_by_the_names_that_kubectl_takes(top: Run):
    """The singular and the short name work, and names choose nodes."""
    for name in ("node", "no", "nodes"):
        code, out, _ = top(name, "node-2", "--no-headers")
        assert (code, [row[0] for row in words(out)]) == (0, ["node-2"])


def test_pods_of_all_namespaces(top: Run):
    """Namespaces have a column, and pods come in their order."""
    code, out, err = top("pods", "-A")
    rows = [row[:2] for row in words(out)]
    assert (code, err) == (0, "")
    assert rows == [["NAMESPACE", "NAME"], ["data", "db-0"], ["data", "db-1"], ["shop", "cart-0"], ["shop", "till-0"]]


def test_pods_of_one_namespace_or_chosen_ones(top: Run):
    """Namespace, labels, fields and names choose."""
    assert [row[0] for row in words(top("pods", "-n", "shop", "--no-headers")[1])] == ["cart-0", "till-0"]
    assert [row[0] for row in words(top("pods", "-n", "shop", "--no-headers", "-l", "app=till")[1])] == ["till-0"]
    on_node = top("pods", "-A", "--no-headers", "--field-selector", "spec.nodeName=node-3")[1]
    assert [row[1] for row in words(on_node)] == ["db-1"]
    assert [row[0] for row in words(top("pod", "db-1", "-n", "data", "--no-headers")[1])] == ["db-1"]


@pytest.mark.parametrize("argv", [("containers",), ("pods", "--containers")])
def test_containers(top: Run, argv: tuple[str, ...]):
    """One row for each container, by either spelling."""
    code, out, _ = top(*argv, "-n", "shop", "--no-headers")
    found = {(row[0], row[1]): row[2] for row in words(out)}
    expected = {key[2:]: use_of(load)[0] for key, load in worlds.LOADS.items() if key[1] == "shop"}
    assert code == 0
    assert found.keys() == expected.keys()
    assert all(near(found[key], cpu) for key, cpu in expected.items())


@pytest.mark.parametrize(("by", "names"), [("namespace", ["data", "shop"]), ("node", worlds.NODE_NAMES)])
def test_totals(top: Run, by: str, names: list[str]):
    """One row for each group, and at the end the sum of all."""
    code, out, _ = top("pods", "-A", "--by", by, "--sum")
    heading, *rows = words(out)
    assert (code, heading[0]) == (0, by.upper())
    assert [row[0] for row in rows] == [*names, "TOTAL"]
    assert near(rows[-1][heading.index("CPU")], use_of(*worlds.LOADS.values())[0])


def test_order(top: Run):
    """The column that is named orders, greatest first."""
    rows = words(top("pods", "-A", "--no-headers", "--sort-by", "cpu")[1])
    assert [row[1] for row in rows] == ["till-0", "db-1", "cart-0", "db-0"]


# --- for machines -------------------------------------------------------------------------------------------


def test_json_and_yaml_say_the_same(top: Run):
    """Base units under names that state them, and every key there."""
    code, out, _ = top("pods", "-A", "-o", "json", "--sum")
    document = json.loads(out)
    other = yaml.safe_load(top("pods", "-A", "-o", "yaml", "--sum")[1])
    item = document["items"][0]
    assert (code, document["kind"], [found["name"] for found in document["items"]]) == (0, "pods", worlds.POD_NAMES)
    assert item["memoryBytes"] == 17 << 20
    assert abs(item["cpuNanocores"] - 33_000_000) < 1_000_000
    assert (item["node"], item["owner"], item["cpuLimitNanocores"]) == ("node-2", "Pod/db-0", None)
    assert document["total"]["pods"] == 4
    assert other["items"][0].keys() == item.keys()
    assert other["total"]["memoryBytes"] == document["total"]["memoryBytes"]


def test_csv(top: Run):
    """The names first, or not."""
    rows = list(csv.DictReader(io.StringIO(top("nodes", "-o", "csv")[1])))
    assert [row["name"] for row in rows] == worlds.NODE_NAMES
    assert all(int(row["cpuNanocores"]) > 0 and row["sampleTime"].endswith("Z") for row in rows)
    assert len(top("nodes", "-o", "csv", "--no-headers")[1].splitlines()) == 3


# --- rights -------------------------------------------------------------------------------------------------


def test_who_may_only_read_metrics_sees_those(lab: Lab, run: Run):
    """Use without percentages, a line that says what was not allowed, and no failure."""
    config = f"--kubeconfig={lab.world.cluster.kubeconfig('jane')}"
    code, out, err = run("top", "nodes", config, "-o", "csv")
    row = next(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert (row["name"], row["cpuAllocatableNanocores"], row["cpuRequestNanocores"]) == ("node-1", "", "")
    first, second = err.splitlines()
    assert first.startswith("kubevitals: you may not list nodes, so percentages")
    assert 'User "jane" cannot list resource "nodes"' in first
    assert second.startswith("kubevitals: you may not list pods, so requests and limits are left out")
    code, out, _ = run("top", "pods", "-A", config, "--no-headers")
    assert (code, [row[1] for row in words(out)]) == (0, worlds.POD_NAMES)
    code, _, err = run("top", "pods", "-A", "--by", "owner", config)
    assert (code, "--by owner needs the pods themselves" in err) == (1, True)
    code, _, err = run("top", "pods", "-A", "--field-selector", "spec.nodeName=x", config)
    assert (code, "--field-selector spec.nodeName needs the pods themselves" in err) == (1, True)


def test_who_may_not_read_metrics_is_told_so(lab: Lab, run: Run):
    """The user is named, and where to look on."""
    code, out, err = run("top", "pods", "-A", f"--kubeconfig={lab.world.cluster.kubeconfig('bob')}")
    assert (code, out) == (1, "")
    assert err.startswith(
        'kubevitals: you may not read the Metrics API (403): pods.metrics.k8s.io is forbidden: User "bob"'
    )
    assert err.endswith("; run kubevitals doctor to find out why\n")


# --- what cannot be used ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("pods", "-l", "a=("), "--selector: unable to parse requirement"),
        (("pods", "--field-selector", "a"), "--field-selector: invalid selector: 'a'"),
        (("pods", "--sort-by", "color"), "--sort-by color: there is no such column; there are name, cpu, "),
        (("pods", "-A", "db-0"), "names belong to one namespace"),
        (("pods", "db-0", "-l", "a=b"), "but not both"),
        (("pods", "--by", "node", "--containers"), "--containers does not go with it"),
        (("nodes", "--watch", "-o", "json"), "--watch draws tables"),
        (("nodes", "--context", "nowhere"), 'no entry named "nowhere"'),
        (("nodes", "--interval", "soon"), 'time: invalid duration "soon"'),
        (("pods", "--by", "colour"), "'colour' is not one of"),
    ],
)
def test_input_that_cannot_be_used(top: Run, argv: tuple[str, ...], message: str):
    """A sentence that says what, exit code 2, and nothing on standard output."""
    code, out, err = top(*argv)
    assert (code, out) == (2, "")
    assert message in err


def test_no_kubeconfig(run: Run):
    """It says where it looked."""
    code, _, err = run("top", "nodes")
    assert code == 2
    assert re.fullmatch(r"kubevitals: kubeconfig: cannot read \S+/\.kube/config: No such file or directory\n", err)


def test_the_plugin_calls_itself_what_one_types(top: Run):
    """Usage and errors say ``kubectl vitals``."""
    program = "kubectl vitals"
    assert "Usage: kubectl vitals top nodes [OPTIONS]" in top("nodes", "--help", program=program)[1]
    assert top("pods", "-l", "(", program=program)[2].startswith("kubectl vitals: --selector: ")
    code, _, err = top("nodes", "nowhere", program=program)
    assert (code, err) == (1, "kubectl vitals: no node is named nowhere\n")


def test_an_api_server_that_is_not_there(lab: Lab, run: Run, tmp_path):
    """It names the server, and why there is no answer."""
    here = lab.world.cluster.files.admin.read_text()
    config = tmp_path / "config"
    config.write_text(here.replace(f":{lab.world.cluster.api.port}", f":{free_port()}"))
    code, out, err = run("top", "nodes", f"--kubeconfig={config}")
    assert (code, out) == (1, "")
    assert err.startswith("kubevitals: cannot reach the API server at https://127.0.0.1:")
    assert "connection refused" in err


def test_nothing_of_the_kind_is_no_failure(top: Run):
    """As with kubectl."""
    code, out, err = top("pods", "-n", "nowhere")
    assert (code, out, err) == (0, "", "No running pods in the namespace nowhere.\n")


# --- a cluster that changes ---------------------------------------------------------------------------------


@pytest.fixture
def own() -> Iterator[Lab]:
    """A world of a test's own, in which pods have metrics and nodes have none."""
    with in_background(worlds.still) as (world, loop):
        yield Lab(world, loop.call_soon_threadsafe)


def test_no_metrics_for_each_reason(own: Lab, run: Run):
    """Nothing measured, only v1, none registered, not available: each has its own words."""
    cluster = own.world.cluster
    config = f"--kubeconfig={cluster.files.admin}"
    code, out, err = run("top", "nodes", config)
    assert (code, [row[:2] for row in words(out)[1:]]) == (1, [[name, "<unknown>"] for name in worlds.NODE_NAMES])
    assert "the Metrics API answers, but has no metrics of any of 3 nodes" in err

    own.do(lambda: cluster.registry.delete(API_SERVICES, "v1beta1.metrics.k8s.io"))
    code, out, _ = run("top", "pods", "-A", config)
    assert (code, len(out.splitlines())) == (0, 5)

    own.do(cluster.unregister)
    code, out, err = run("top", "pods", "-A", config)
    assert (code, out) == (1, "")
    assert "the Metrics API is not there: neither v1beta1.metrics.k8s.io nor v1.metrics.k8s.io is registered" in err

    own.do(lambda: cluster.register("127.0.0.1", free_port()))
    code, out, err = run("top", "pods", "-A", config)
    assert (code, out) == (1, "")
    assert "the Metrics API is registered, but the API server cannot reach the metrics server" in err


def test_pods_without_metrics_are_there(own: Lab, run: Run):
    """A running pod that was never measured is unknown, and after two minutes a note says so."""
    cluster, start = own.world.cluster, 1.0
    lost = templates.pod("shop", "lost", "node-1", ["c"], labels={}, started=start)
    own.do(lambda: cluster.registry.create(PODS, lost))
    code, out, err = run("top", "pods", "-n", "shop", f"--kubeconfig={cluster.files.admin}")
    row = next(row for row in words(out) if row[0] == "lost")
    assert (code, row[1]) == (0, "<unknown>")
    assert re.fullmatch(r"kubevitals: 1 pod without metrics \(shop lost, \d+d old\)\n", err)


def test_long_lists_come_in_pages(own: Lab, run: Run):
    """More pods than one page holds are all counted."""
    cluster = own.world.cluster
    own.do(lambda: cluster.pods.ensure_namespace("big"))
    for number in range(1100):
        item = templates.pod("big", f"pod-{number}", "node-1", ["c"], labels={}, started=1.0)
        own.do(lambda item=item: cluster.registry.create(PODS, item))
    code, out, _ = run("top", "nodes", "-o", "json", f"--kubeconfig={cluster.files.admin}")
    node = json.loads(out)["items"][0]
    assert (code, node["name"], node["pods"]) == (1, "node-1", 1101)
