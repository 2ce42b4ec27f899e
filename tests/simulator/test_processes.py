"""Processes as pods and containers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.simulator.processes import Groups, Key, Origin, Process, key_of, kubernetes_name, unit_of


def process(
    pid=1, *, started=10.0, uid=0, user="root", executable="nginx", name="nginx", cpu=1.0, memory=100, shared=0
):
    return Process(Origin(pid, started, user, uid, executable, name), cpu, memory, shared)


def cpu_of(groups: Groups) -> dict[str, int]:
    containers, _ = groups.rows()
    return {row.labels.split('"')[1]: row.reading.cpu_ns for row in containers}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin(1, 0.0, "root", 0, "nginx", "nginx: worker"), Key("nginx-worker", "host-system", "nginx")),
        (Origin(1, 0.0, "www", 33, "php8.2", "php"), Key("php", "host-system", "php8-2")),
        (Origin(1, 0.0, "Ann.Lee", 1000, "code", "code"), Key("code", "host-ann-lee", "code")),
        (Origin(1, 0.0, "root", 0, "sshd", "sshd", "ssh"), Key("sshd", "host-system", "ssh")),
    ],
)
def test_where_a_process_belongs(origin, expected):
    """The namespace is the user's, the pod the unit or executable, the container the process's name."""
    assert key_of(origin) == expected


@pytest.mark.parametrize(
    ("cgroup", "expected"),
    [
        ("0::/system.slice/nginx.service\n", "nginx"),
        ("0::/system.slice/system-getty.slice/getty@tty1.service", "getty"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4711.scope", "firefox"),
        ("0::/user.slice/user-1000.slice/session-2.scope", ""),
        ("0::/system.slice/docker-0123456789abcdef.scope", ""),
        ("12:cpu:/\n0::/init.scope", ""),
        ("", ""),
    ],
)
def test_units(cgroup, expected):
    """A unit names what runs, not who logged in or which container it is."""
    assert unit_of(cgroup) == expected


@given(st.text())
def test_any_text_becomes_a_kubernetes_name(text):
    """Names are DNS labels whatever a process calls itself."""
    name = kubernetes_name(text)
    assert 0 < len(name) <= 63
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not name.startswith("-")
    assert not name.endswith("-")


def test_processes_of_a_container_add_up():
    """CPU and private memory are summed, memory they share counts once, the start is the first one's."""
    groups = Groups()
    groups.absorb([process(1, memory=100, shared=40), process(2, started=5.0, cpu=2.0, memory=90, shared=50)], 20.0)
    (row,), (pod,) = groups.rows()
    assert (row.reading, row.start) == ((20_000, 3_000_000_000, 150), 5.0)
    assert pod.reading == row.reading
    assert groups.pods() == {("host-system", "nginx"): ["nginx"]}
    assert groups.start("host-system", "nginx") == 5.0


def test_a_counter_does_not_go_back_when_a_process_ends():
    """What a process used stays with its container while others of it live."""
    groups = Groups()
    groups.absorb([process(1, cpu=5.0), process(2, cpu=1.0)], 20.0)
    groups.absorb([process(2, cpu=1.5)], 21.0)
    assert cpu_of(groups) == {"nginx": 6_500_000_000}


def test_a_container_ends_with_its_last_process():
    """A container that comes again starts anew, later than before."""
    groups = Groups()
    groups.absorb([process(1, cpu=5.0)], 20.0)
    groups.absorb([], 21.0)
    assert groups.rows() == ([], [])
    groups.absorb([process(3, started=21.5, cpu=0.25)], 22.0)
    (row,), _ = groups.rows()
    assert (row.reading.cpu_ns, row.start) == (250_000_000, 21.5)


def test_a_reused_process_id_is_another_process():
    """A new process under an old id adds to what the old one used."""
    groups = Groups()
    groups.absorb([process(1, started=10.0, cpu=5.0)], 20.0)
    groups.absorb([process(1, started=20.5, cpu=0.5)], 21.0)
    assert cpu_of(groups) == {"nginx": 5_500_000_000}


def test_a_process_below_a_clock_tick_has_used_some_cpu():
    """No running container shows zero CPU, which would hide its pod."""
    groups = Groups()
    groups.absorb([process(cpu=0.0)], 20.0)
    assert cpu_of(groups) == {"nginx": 1_000_000}


@given(st.lists(st.dictionaries(st.integers(1, 5), st.floats(0, 3), max_size=5), max_size=8))
def test_counters_never_go_back(rounds):
    """Whatever processes come and go, a container that lives on never loses CPU time."""
    groups, spent, before = Groups(), dict.fromkeys(range(1, 6), 0.0), {}
    for time, growth in enumerate(rounds):
        for pid, seconds in growth.items():
            spent[pid] += seconds
        alive = [process(pid, started=0.0, cpu=spent[pid], name=f"n{pid % 2}") for pid in growth]
        groups.absorb(alive, float(time))
        now = cpu_of(groups)
        assert all(now[name] >= before[name] for name in now.keys() & before.keys())
        before = now
