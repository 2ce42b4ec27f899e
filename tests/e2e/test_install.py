"""What ``kubevitals manifests`` prints, installed with kubectl: its rights suffice, and it takes another's place."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from tests.e2e import objects
from tests.e2e.fleet import Node, small_fleet
from tests.e2e.installing import Manifest, Poll, Site, adapted, polled, printed, site
from tests.e2e.server import METRICS, Server
from tests.e2e.service import Service, service
from tests.processes import eventually

pytestmark = pytest.mark.e2e

CHART = Path(__file__).parents[2] / "deploy" / "charts" / "kubevitals"
NAMES = tuple(f"{version}.metrics.k8s.io" for version in objects.VERSIONS)
REGISTRATION = f"/apis/apiregistration.k8s.io/v1/apiservices/{NAMES[0]}"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ROLE = f"{objects.RBAC}/clusterroles/system:{objects.NAME}"
OWN_ROLE = f"{objects.RBAC}/namespaces/{objects.NAMESPACE}/roles/{objects.NAME}"
DELEGATOR = f"{objects.RBAC}/clusterrolebindings/{objects.NAME}:system:auth-delegator"
READER = f"{objects.RBAC}/namespaces/{objects.NAMESPACE}/rolebindings/{objects.NAME}-auth-reader"
SETTLED = 3.0  # seconds from a change of an APIService until kube-apiserver goes by it


@pytest.fixture(scope="module")
def cluster(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster without a metrics server; tests leave it so."""
    with site(assets, tmp_path_factory.mktemp("install"), small_fleet()) as found:
        yield found


# --- installing ---------------------------------------------------------------------------------------------------


def from_manifests() -> list[Manifest]:
    """The objects of the command."""
    return printed("--metric-resolution=10s")


def from_chart() -> list[Manifest]:
    """The objects of the Helm chart."""
    if not CHART.is_dir() or shutil.which("helm") is None:
        pytest.skip("It needs the chart and helm.")
    chosen = ("--namespace", objects.NAMESPACE, "--set", f"fullnameOverride={objects.NAME}")
    argv = ["helm", "template", objects.NAME, str(CHART), *chosen]
    text = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return [each for each in yaml.safe_load_all(text) if each]


@pytest.mark.parametrize("source", [from_manifests, from_chart])
def test_an_installation_needs_no_more_than_its_own_rights(cluster: Site, source: Callable[[], list[Manifest]]) -> None:
    """Both versions are served and verified, kubectl top shows numbers, nothing is refused, and nothing is to do."""
    manifests = source()
    server = cluster.new_server(source.__name__, manifests, in_a_hurry=False)
    with cluster.installed(adapted(manifests, server.port)) as file, cluster.serving(server):
        for version in objects.VERSIONS:
            eventually(partial(cluster.verified, version), within=90, needs=(server.process,))
        cluster.wait_metrics(within=90)
        assert [row[:2] for row in cluster.rows("top", "nodes")] == [
            ["node-a", "1500m"], ["node-b", "620m"], ["node-c", "90m"],
        ]  # fmt: skip
        assert len(cluster.rows("top", "pods", "-A")) == 4
        assert [line for line in server.log.splitlines() if "orbidden" in line or line[0] in "WE"] == []
        assert cluster.diff(file) == ""


# --- rights -------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A right that is missing.

    Args:
        path: of the role or binding it comes from.
        rules: what the role has left of the installed rules; None where the binding is gone.
        line: what one line of the log says.
        healed: what a later line says when the right is back.
    """

    path: str
    rules: Callable[[list[Manifest]], list[Manifest]] | None
    line: tuple[str, ...]
    healed: str = "A problem is over"


def without(key: str, name: str) -> Callable[[list[Manifest]], list[Manifest]]:
    """What is left of rules when a name is taken out of the lists at ``key``, and rules go that have none left."""

    def left(rules: list[Manifest]) -> list[Manifest]:
        cut = [rule | {key: [each for each in rule[key] if each != name]} if key in rule else rule for rule in rules]
        assert cut != rules, f"no rule has {name} among its {key}"
        return [rule for rule in cut if rule.get(key, True)]

    return left


FOLLOWING = "Following the API server again"
TLS_SECRET, PINS_SECRET = f"{objects.NAME}-tls", f"{objects.NAME}-kubelet-pins"
CASES: Mapping[str, Case] = {
    "nodes/metrics": Case(
        ROLE,
        without("resources", "nodes/metrics"),
        ("Node cannot be scraped", "403", "Bind a ClusterRole that allows get on nodes/metrics"),
        "Node is scraped again",
    ),
    "nodes": Case(
        ROLE,
        without("resources", "nodes"),
        ("Cannot follow the API server", "403", "allow list and watch on nodes in the role"),
        FOLLOWING,
    ),
    "pods": Case(
        ROLE,
        without("resources", "pods"),
        ("Cannot follow the API server", "403", "allow list and watch on pods in the role"),
        FOLLOWING,
    ),
    "reviews": Case(DELEGATOR, None, ("SubjectAccessReview", "403", "bound to the ClusterRole system:auth-delegator")),
    "callers": Case(
        READER,
        None,
        (
            "Cannot follow the API server",
            "403",
            "extension-apiserver-authentication-reader in kube-system",
        ),
        FOLLOWING,
    ),
    "certificate": Case(
        OWN_ROLE,
        without("resourceNames", TLS_SECRET),
        ("serving certificate", "403", f"kube-system/{TLS_SECRET}", "let our service account get and patch it"),
    ),
    "registration": Case(
        ROLE,
        without("resources", "apiservices"),
        ("the caBundle of our APIServices", "403", "Let our service account get and patch"),
    ),
    "events": Case(
        OWN_ROLE,
        without("resources", "events"),
        ("publishing Events", "403", "let our service account create events in its namespace"),
    ),
    "pins": Case(
        OWN_ROLE,
        without("resourceNames", PINS_SECRET),
        ("the kubelets' pins", "403", f"kube-system/{PINS_SECRET}", "let our service account get and patch it"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def everything() -> list[Manifest]:
    """The objects with all that asks for rights."""
    return printed("--pins", "--events")


@pytest.fixture(scope="module")
def install(cluster: Site, everything: list[Manifest]) -> Iterator[Path]:
    """Those, installed."""
    with cluster.installed(adapted(everything, 443)) as file:
        yield file


@pytest.mark.parametrize("right", CASES)
def test_a_missing_right_is_named_and_its_return_noticed(
    cluster: Site, install: Path, everything: list[Manifest], right: str
) -> None:
    """One line tells what is refused and what to do; when that is done, all is well again without a restart."""
    case, server = CASES[right], cluster.new_server(right.replace("/", "-"), everything)
    try:
        take_away(cluster, case)
        with cluster.serving(server):
            with unreachable_node(cluster):
                eventually(lambda: asked(server) and says(server, *case.line), within=20, needs=(server.process,))
                give_back(cluster, install)
            eventually(lambda: asked(server) and says(server, case.healed), within=20, needs=(server.process,))
            eventually(lambda: len(server.as_front_proxy().get(f"{METRICS}/nodes")["items"]) == 3, within=20)
    finally:
        give_back(cluster, install)


def take_away(cluster: Site, case: Case) -> None:
    """Remove a right and nothing else."""
    admin = cluster.plane.admin
    if case.rules is None:
        admin.delete(case.path)
    else:
        admin.patch(case.path, {"rules": case.rules(admin.get(case.path)["rules"])})


def give_back(cluster: Site, file: Path) -> None:
    """Apply again what was installed."""
    done = cluster.kubectl("apply", "-f", str(file))
    assert done.returncode == 0, done.stderr


@contextmanager
def unreachable_node(cluster: Site) -> Iterator[None]:
    """A node where nobody listens: there are Events only when the reason why nodes are not scraped changes."""
    node = Node("node-dead", "127.10.0.99", 0, 0)
    cluster.plane.admin.post(f"{objects.CORE}/nodes", objects.node(node, cluster.kubelets.port))
    try:
        yield
    finally:
        cluster.plane.admin.delete(f"{objects.CORE}/nodes/{node.name}")


def asked(server: Server) -> bool:
    """Send a request of somebody whose rights have to be reviewed; any answer will do, a refused handshake too."""
    proxy = server.call(server.plane.authorities.proxy_client, ("X-Remote-User", "jane"))
    with suppress(ConnectionError):
        proxy.request("GET", f"{METRICS}/nodes")
    return True


def says(server: Server, *words: str) -> bool:
    """Whether one line of the log has all the words."""
    return any(all(word in line for word in words) for line in server.log.splitlines())


# --- taking over --------------------------------------------------------------------------------------------------


@pytest.fixture
def served(cluster: Site) -> Iterator[tuple[Service, Server]]:
    """A metrics server that nobody verifies, applied by kubectl as metrics-server is, behind a Service."""
    before = [each for each in printed("--insecure-skip-tls-verify") if each["metadata"]["name"] != NAMES[1]]
    assert [each["spec"]["insecureSkipTLSVerify"] for each in before if each["kind"] == "APIService"] == [True]
    server = cluster.new_server(f"before-{time.monotonic_ns()}", before)
    with service() as pods, cluster.installed(adapted(before, pods.port)), cluster.serving(server):
        pods.lead_to(server.port)
        eventually(lambda: cluster.available("v1beta1"), within=60, needs=(server.process,))
        eventually(lambda: cluster.counts() == (3, 4), within=60, needs=(server.process,))
        yield pods, server


def test_it_takes_over_without_a_missing_answer(cluster: Site, served: tuple[Service, Server]) -> None:
    """As docs/install/yaml.md says: what was applied is forgotten, ours is applied, and every answer is complete."""
    cluster.plane.admin.patch(REGISTRATION, {"metadata": {"annotations": {LAST_APPLIED: None}}})
    polls, _ = take_over(cluster, *served)
    assert len(polls) > 20
    assert [poll for poll in polls if poll.problem] == []


def test_applied_alone_it_takes_over_with_a_gap(cluster: Site, served: tuple[Service, Server]) -> None:
    """Without that step kubectl turns verification on too early; the gap ends when the old pods have gone."""
    polls, alone = take_over(cluster, *served)
    failed = [poll for poll in polls if poll.problem]
    assert failed
    assert [poll for poll in failed if poll.time > alone + SETTLED] == []


def take_over(cluster: Site, pods: Service, before: Server) -> tuple[list[Poll], float]:
    """Apply ours and do what a Deployment does: the new pod is to be ready before the old one goes.

    Returns:
        How a client fared, and from when on only ours was there.
    """
    ours, client = printed(), cluster.plane.client(cluster.plane.authorities.admin)
    after = cluster.new_server(f"after-{time.monotonic_ns()}", ours)
    with ExitStack() as stack:
        polls = stack.enter_context(polled(client, len(cluster.nodes)))
        file = cluster.apply(adapted(ours, pods.port))
        with cluster.serving(after):
            eventually(lambda: after.call(None).get("/readyz") == "ok", within=30, needs=(after.process,))
            pods.lead_to(before.port, after.port)
            pods.lead_to(after.port)
            before.process.stop()
            alone = time.monotonic()
            for version in objects.VERSIONS:
                eventually(partial(cluster.verified, version), within=60, needs=(after.process,))
            eventually(lambda: polls[-1].time > alone + SETTLED + 1, within=30)
            stack.close()
            assert cluster.diff(file) == ""
    done = cluster.kubectl("delete", "--ignore-not-found", "-f", str(file))
    assert done.returncode == 0, done.stderr
    return polls, alone


# --- two providers ------------------------------------------------------------------------------------------------


def test_another_provider_of_the_api_is_named(cluster: Site) -> None:
    """Who applies another registration over ours takes the API; the log tells who, and when it is ours again."""
    ours = printed()
    server = cluster.new_server("disputed", ours)
    with cluster.installed(adapted(ours, server.port)) as file, cluster.serving(server):
        eventually(lambda: cluster.verified("v1beta1"), within=60, needs=(server.process,))
        registration = next(each for each in ours if each["metadata"]["name"] == NAMES[0])
        other = {"namespace": "monitoring", "name": "adapter", "port": 443}
        cluster.apply([registration | {"spec": registration["spec"] | {"service": other}}])
        words = (f'apiservice="{NAMES[0]}"', 'service="monitoring/adapter"', "Remove one of the two providers")
        eventually(lambda: says(server, "An APIService is another provider's", *words), within=30)
        assert cluster.registration("v1beta1")["service"]["name"] == "adapter"
        give_back(cluster, file)
        eventually(lambda: says(server, "An APIService points to our Service again", words[0]), within=30)
        eventually(lambda: cluster.verified("v1beta1"), within=60)
