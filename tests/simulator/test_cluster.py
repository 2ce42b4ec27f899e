"""The cluster as a whole: nodes, pods, files, and this machine."""

from __future__ import annotations

import asyncio
import random
import stat
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from kubevitals.simulator import host
from kubevitals.simulator.cluster import Cluster, Plan
from kubevitals.simulator.kinds import NODES, PODS
from kubevitals.simulator.processes import SYSTEM_NAMESPACE
from kubevitals.simulator.workload import Steady


def node_value(body: bytes, name: str) -> float:
    line = next(line for line in body.decode().splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


async def test_the_files_are_only_their_owners(cluster):
    """Kubeconfigs and token can be read by nobody else, and name the API server."""
    for path in (cluster.files.admin, cluster.files.server, cluster.files.token):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = yaml.safe_load(cluster.files.server.read_text())
    assert config["clusters"][0]["cluster"]["server"] == cluster.api.url
    assert config["users"][0]["user"] == {"tokenFile": str(cluster.files.token)}
    assert cluster.files.ca.read_bytes() == cluster.authority.pem
    assert cluster.kubeconfig("system:node:x").name == "system-node-x.kubeconfig"


async def test_the_flags_name_the_files(cluster):
    """The flags lead a metrics server to the API server and its kubelets."""
    flags = cluster.serve_flags()
    assert f"--kubeconfig={cluster.files.server}" in flags
    assert f"--kubelet-certificate-authority={cluster.files.ca}" in flags
    assert "--kubelet-use-node-status-port" in flags


async def test_a_temporary_directory_goes_with_the_cluster():
    """Without a directory of the caller's the cluster leaves nothing behind."""
    async with Cluster(Plan(nodes=0), now=time.time, random=random.random) as cluster:
        directory = cluster.files.directory
        assert directory.is_dir()
    assert not directory.exists()


async def test_a_cluster_that_cannot_start_leaves_nothing_behind(make_cluster):
    """A failure within the context ends its tasks and closes its listeners."""
    with pytest.raises(RuntimeError, match="enough"):
        async with make_cluster() as cluster:
            raise RuntimeError("enough")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(cluster.api.host, cluster.api.port)


async def test_nodes_come_and_go(cluster):
    """A node has an object and a kubelet, and loses both."""
    kubelet = await cluster.nodes.add("extra", cores=2, labels={"zone": "a"})
    item = cluster.registry.get(NODES, "extra")
    assert item["metadata"]["labels"]["zone"] == "a"
    assert item["status"]["capacity"]["cpu"] == "2"
    assert (kubelet.node, "extra" in cluster.fleet, len(cluster.fleet)) == ("extra", True, 2)
    cluster.pods.run_apps("extra", 3)
    await cluster.nodes.remove("extra")
    assert cluster.pods.of("extra") == []
    cluster.rotate_kubelet_certificates()  # of the nodes that are left
    assert ("extra" in cluster.fleet, len(cluster.fleet)) == (False, 1)
    assert cluster.registry[NODES].get("/extra") is None


async def test_many_nodes_share_few_certificates(make_cluster):
    """Forty nodes have forty addresses, one port and two TLS contexts."""
    async with make_cluster(nodes=40, pods=0) as cluster:
        addresses = {cluster.nodes.address(kubelet.node) for kubelet in cluster.fleet}
        ports = {
            item["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] for item in cluster.registry[NODES].items()
        }
        assert (len(addresses), ports) == (40, {cluster.fleet.port})


async def test_a_node_can_be_not_ready(cluster):
    """The Ready condition is a test's to set."""
    cluster.nodes.set_ready("worker-1", ready=False)
    condition = cluster.registry.get(NODES, "worker-1")["status"]["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("False", "KubeletNotReady")
    cluster.nodes.set_ready("worker-1", ready=True)
    assert cluster.registry.get(NODES, "worker-1")["status"]["conditions"][0]["status"] == "True"


async def test_pods_run_where_they_are_put(cluster):
    """A pod of a test's choice exists in the API and in its kubelet's metrics."""
    usage = Steady(time.time() - 60, 250_000_000, 64 << 20)
    cluster.pods.run("worker-1", "mine", "p-0", {"c": usage}, labels={"app": "p"}, requests={"c": (0.25, 64 << 20)})
    item = cluster.registry.get(PODS, "p-0", "mine")
    assert item["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "250m", "memory": "64Mi"}
    assert b'{container="c",namespace="mine",pod="p-0"}' in cluster.fleet["worker-1"].machine.body(time.time())


async def test_apps_leave_a_node_some_air(make_cluster):
    """Many pods on a small node take less than the node has, on average."""
    async with make_cluster(nodes=1, pods=60) as cluster:
        machine, now = cluster.pods.machine("worker-1"), time.time()
        spent = (machine.node_reading(now + 3600).cpu_ns - machine.node_reading(now).cpu_ns) / 3600e9
        assert len(cluster.pods.of("worker-1")) == 60
        assert 0.5 < spent < 4
        assert machine.node_reading(now).memory < 16 << 30


async def test_change_replaces_pods_and_restarts_containers(cluster):
    """After many changes there are as many pods as before, other ones, and the node's counter never went back."""
    machine = cluster.pods.machine("worker-1")
    before = {pod["metadata"]["name"] for pod in cluster.pods.of("worker-1")}
    spent = node_value(machine.body(time.time()), "node_cpu_usage_seconds_total")
    for _ in range(30):
        cluster.pods.change()
        now = node_value(machine.body(time.time()), "node_cpu_usage_seconds_total")
        assert now >= spent
        spent = now
    after = {pod["metadata"]["name"] for pod in cluster.pods.of("worker-1")}
    assert len(after) == len(before)
    assert not before & after


async def test_churn_goes_on_by_itself(make_cluster):
    """A cluster with churn changes without being asked."""
    async with make_cluster(churn=0.01) as cluster:
        version, changed = cluster.registry.version, asyncio.Event()
        cluster.registry[PODS].listeners.append(lambda _: changed.set())
        await asyncio.wait_for(changed.wait(), 10)
        assert cluster.registry.version > version


async def test_waiting_for_a_server_has_an_end(cluster):
    """Without a server that answers, waiting ends with a timeout."""
    cluster.register("127.0.0.1", 1)
    with pytest.raises(TimeoutError):
        await cluster.wait_available(0.05)


# --- this machine -------------------------------------------------------------------------------------------


async def test_this_machine_is_a_node(make_cluster):
    """With host the node of this machine's name has its true capacity, and its processes as pods."""
    async with make_cluster(nodes=0, host=True, housekeeping=0.05) as cluster:
        item = cluster.registry.get(NODES, cluster.host_name)
        assert item["status"]["capacity"]["cpu"] == str(psutil.cpu_count())
        assert item["status"]["nodeInfo"]["kernelVersion"] == host.facts().kernel
        assert cluster.pods.of(cluster.host_name)


async def test_what_is_measured_is_true():
    """CPU time and memory of this machine are those that the system reports, and CPU time grows."""
    machine = host.HostMachine(now=time.time, interval=1.0)
    before = host.busy_seconds()
    await machine.measure()
    after = host.busy_seconds()
    body = machine.body(time.time())
    assert before - 1e-6 < node_value(body, "node_cpu_usage_seconds_total") < after + 1e-6
    assert 0.3 < node_value(body, "node_memory_working_set_bytes") / host.working_set() < 3
    assert 0 < host.working_set() < psutil.virtual_memory().total


async def test_this_process_is_among_its_pods():
    """The process that measures is itself measured, with a start time and CPU."""
    machine = host.HostMachine(now=time.time, interval=1.0)
    await machine.measure()
    me = psutil.Process()
    name = host.kubernetes_name(me.name())
    found = {pod: containers for pod, containers in machine.pods().items() if name in containers}
    assert found
    assert any(machine.start(*pod) <= me.create_time() for pod in found)
    assert f'container_cpu_usage_seconds_total{{container="{name}"' in machine.body(0.0).decode()


async def test_pods_of_this_machine_follow_its_processes(make_cluster, tmp_path):
    """A program that runs for a while becomes a container, and its container goes when it ends."""
    program = tmp_path / "kv-probe"
    program.symlink_to(Path(sys.executable).resolve())
    async with make_cluster(nodes=0, host=True, housekeeping=0.02) as cluster:
        changed = asyncio.Event()
        cluster.registry[PODS].listeners.append(lambda _: changed.set())

        async def until(present: bool) -> None:
            async with asyncio.timeout(20):
                while ("kv-probe" in _containers(cluster)) is not present:
                    changed.clear()
                    await changed.wait()

        process = await asyncio.create_subprocess_exec(program, "-ISc", "input()", stdin=-1)
        await until(True)
        process.kill()
        await process.communicate()
        await until(False)


def _containers(cluster: Cluster) -> set[str]:
    return {c["name"] for pod in cluster.pods.of(cluster.host_name) for c in pod["spec"]["containers"]}


def test_system_processes_have_a_namespace_of_their_own():
    """The name is one Kubernetes accepts."""
    assert host.kubernetes_name(SYSTEM_NAMESPACE) == SYSTEM_NAMESPACE
