"""``kubectl top`` of every release at hand, against the simulated cluster."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.kubectl, pytest.mark.timeout(300)]


def test_nodes(kubectl, demo):
    """Every node with its CPU and memory."""
    rows = {row[0]: (row[1], row[3]) for row in kubectl.rows("top", "nodes")}
    assert rows == {name: (use.cpu, use.memory) for name, use in demo.nodes.items()}


def test_nodes_without_protobuf(kubectl, demo):
    """The same when the client asks for JSON."""
    rows = kubectl.rows("top", "nodes", "--use-protocol-buffers=false")
    assert {row[0] for row in rows} == set(demo.nodes)


def test_one_node(kubectl, demo):
    """One node by name."""
    name, use = next(iter(demo.nodes.items()))
    row = kubectl.rows("top", "node", name)[0]
    assert (row[0], row[1], row[3]) == (name, use.cpu, use.memory)


def test_a_node_that_does_not_exist(kubectl):
    """The server's own sentence reaches the terminal."""
    done = kubectl.run("top", "node", "nowhere")
    assert done.returncode == 1
    assert done.stderr == 'Error from server (NotFound): node "nowhere" not found\n'


def test_containers(kubectl, demo):
    """Every container of every pod with its CPU and memory."""
    rows = {tuple(row[:3]): (row[3], row[4]) for row in kubectl.rows("top", "pods", "-A", "--containers")}
    assert rows == {key: (use.cpu, use.memory) for key, use in demo.containers.items()}


def test_pods_of_one_namespace(kubectl, demo):
    """Only the pods of the namespace that was asked for."""
    rows = kubectl.rows("top", "pods", "-n", "shop")
    assert {row[0] for row in rows} == {pod for namespace, pod, _ in demo.containers if namespace == "shop"}


@pytest.mark.parametrize("selector", ["app=cart", "app in (cart)", "app,app notin (index,db)"])
def test_pods_by_label(kubectl, selector):
    """Equality and sets select by label, over all namespaces."""
    rows = kubectl.rows("top", "pods", "-A", "-l", selector)
    assert [row[:2] for row in rows] == [["shop", "cart-0"], ["shop", "cart-1"]]


def test_one_pod_by_field(kubectl):
    """A field selector on the name finds one pod."""
    rows = kubectl.rows("top", "pods", "-n", "shop", "--field-selector", "metadata.name=cart-0")
    assert [row[0] for row in rows] == ["cart-0"]


@pytest.mark.parametrize(("column", "by"), [(2, "cpu"), (3, "memory")])
def test_sorted_pods(kubectl, column, by):
    """Sorting is by the numbers, greatest first."""
    numbers = [int(row[column].rstrip("mMi")) for row in kubectl.rows("top", "pods", "-A", f"--sort-by={by}")]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) > 1


def test_the_sum_of_pods(kubectl, demo):
    """The last line of --sum adds the pods up."""
    lines = kubectl.out("top", "pods", "-A", "--sum").splitlines()
    cpu = sum(int(use.cpu.rstrip("m")) for use in demo.containers.values())
    memory = sum(int(use.memory.rstrip("Mi")) for use in demo.containers.values())
    assert lines[-1].split() == [f"{cpu}m", f"{memory}Mi"]


def test_no_pod_with_such_a_label(kubectl):
    """Nothing found is no error."""
    done = kubectl.run("top", "pods", "-n", "shop", "-l", "app=nothing")
    assert (done.returncode, done.stderr) == (0, "No resources found in shop namespace.\n")
