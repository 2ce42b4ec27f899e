"""Each right that ``kubevitals manifests`` gives: without it the log says in words what is to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.e2e import objects
from tests.e2e.fleet import Node
from tests.e2e.installing import Manifest, Site, adapted, printed
from tests.e2e.server import METRICS, Server
from tests.processes import eventually

pytestmark = pytest.mark.e2e

ROLE = f"{objects.RBAC}/clusterroles/system:{objects.NAME}"
OWN_ROLE = f"{objects.RBAC}/namespaces/{objects.NAMESPACE}/roles/{objects.NAME}"
DELEGATOR = f"{objects.RBAC}/clusterrolebindings/{objects.NAME}:system:auth-delegator"
READER = f"{objects.RBAC}/namespaces/{objects.NAMESPACE}/rolebindings/{objects.NAME}-auth-reader"


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
        ("serving certificate", "403", f"get and patch the Secret kube-system/{TLS_SECRET}"),
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
        ("the kubelets' pins", "403", f"get and patch the Secret kube-system/{PINS_SECRET}"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def everything() -> list[Manifest]:
    """The objects with all that asks for rights."""
    return printed("--pins", "--events")


@pytest.fixture(scope="module")
def install(site: Site, everything: list[Manifest]) -> Iterator[Path]:
    """Those, installed."""
    with site.installed(adapted(everything, 443)) as file:
        yield file


@pytest.mark.parametrize("right", CASES)
def test_a_missing_right_is_named_and_its_return_noticed(
    site: Site, install: Path, everything: list[Manifest], right: str
) -> None:
    """One line tells what is refused and what to do; when that is done, all is well again without a restart."""
    case, server = CASES[right], site.new_server(right.replace("/", "-"), everything)
    try:
        take_away(site, case)
        with site.serving(server):
            with unreachable_node(site):
                eventually(lambda: asked(server) and server.says(*case.line), within=20, needs=(server.process,))
                site.apply_again(install)
            eventually(lambda: asked(server) and server.says(case.healed), within=20, needs=(server.process,))
            eventually(lambda: len(server.as_front_proxy().get(f"{METRICS}/nodes")["items"]) == 3, within=20)
    finally:
        site.apply_again(install)


def take_away(site: Site, case: Case) -> None:
    """Remove a right and nothing else."""
    admin = site.plane.admin
    if case.rules is None:
        admin.delete(case.path)
    else:
        admin.patch(case.path, {"rules": case.rules(admin.get(case.path)["rules"])})


@contextmanager
def unreachable_node(site: Site) -> Iterator[None]:
    """A node where nobody listens: there are Events only when the reason why nodes are not scraped changes."""
    node = Node("node-dead", "127.10.0.99", 0, 0)
    site.plane.admin.post(f"{objects.CORE}/nodes", objects.node(node, site.kubelets.port))
    try:
        yield
    finally:
        site.plane.admin.delete(f"{objects.CORE}/nodes/{node.name}")


def asked(server: Server) -> bool:
    """Send a request of somebody whose rights have to be reviewed; any answer will do, a refused handshake too."""
    proxy = server.call(server.plane.authorities.proxy_client, ("X-Remote-User", "jane"))
    with suppress(ConnectionError):
        proxy.request("GET", f"{METRICS}/nodes")
    return True
