"""A small cluster in this process: an API server, kubelets, objects, and the files a client needs to reach it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kubevitals.simulator import controlobjects, host, identity, pki, rbac, roles, templates, verdicts
from kubevitals.simulator.aggregator import Aggregator
from kubevitals.simulator.apiserver import ApiServer
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.backend import api_services, available
from kubevitals.simulator.background import Start, background
from kubevitals.simulator.controlplane import ControlPlane
from kubevitals.simulator.files import Files
from kubevitals.simulator.fleet import Fleet
from kubevitals.simulator.kinds import API_SERVICES, CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS, SERVICES
from kubevitals.simulator.nodes import Nodes
from kubevitals.simulator.pods import HostPods, Pods
from kubevitals.simulator.registry import Event, Registry
from kubevitals.simulator.roles import SERVICE_ACCOUNT, SYSTEM
from kubevitals.simulator.tokens import Tokens

_NAMESPACES = ("default", SYSTEM, "kube-public", "kube-node-lease")
_TOKEN_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cluster consists of.

    Args:
        nodes: how many simulated nodes.
        pods: how many pods on each of them.
        host: whether this machine is a node too.
        housekeeping: seconds between two measurements of one container.
        churn: seconds between changes among the simulated pods; 0 for none.
        shared_address: put the simulated nodes on one address, told apart by the path in their annotation.
        check_interval: seconds between availability checks of an aggregated server that is available.
        window: how many changes of one resource a watch can go back.
        control_plane: whether the API server and the metrics server that is registered are pods of the first
            simulated node.
    """

    nodes: int = 2
    pods: int = 8
    host: bool = False
    housekeeping: float = 10.0
    churn: float = 0.0
    shared_address: bool = False
    check_interval: float = 30.0
    window: int = 1000
    control_plane: bool = False


class Cluster:
    """The whole, while its context is entered.

    Args:
        plan: what it consists of.
        now: the wall clock, in seconds since the epoch.
        random: a number from 0 up to 1, anew at every call.
        directory: where the files go; a temporary one when None.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        directory: Path | None = None,
    ) -> None:
        self._plan = plan
        self._now = now
        self._directory = directory
        self._stack = contextlib.AsyncExitStack()
        self._token = ""
        self.authority = pki.Authority("kubernetes", now=now)
        self.front_proxy = pki.Authority("front-proxy-ca", now=now)
        self.registry = Registry(now=now, window=plan.window)
        self.tokens = Tokens(now=now)
        self.aggregator = Aggregator(self.registry, now=now, interval=plan.check_interval)
        self.api = ApiServer(self.registry, self.tokens, self.aggregator, random=random)
        self.fleet = Fleet(self._check, now=now, client_ca=self.authority.pem)
        self.nodes = Nodes(
            self.registry,
            self.fleet,
            self.authority,
            now=now,
            random=random,
            housekeeping=plan.housekeeping,
        )
        self.pods = Pods(self.registry, self.fleet, now=now, random=random)
        self.control_plane = ControlPlane(self.registry, self.nodes, self.pods, now=now, random=random)
        self.logs = self.api.logs
        self.host_name = ""
        self._pod_node = ""  # where a metrics server that is registered is a pod
        self.files: Files

    # --- life -----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Cluster:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        self.files = Files(self._directory or Path(stack.enter_context(_temporary_directory())))
        self._create_objects()
        await stack.enter_async_context(self.aggregator.session())
        await stack.enter_async_context(self.api.proxies.session())
        start = await stack.enter_async_context(background())
        stack.push_async_callback(self.api.pause)
        await self.api.start(self._serving(), self.authority.pem)
        stack.push_async_callback(self.fleet.stop_all)
        await self._populate(start)
        self.files.write(self.api.url, self.authority.pem, self.client("admin", [rbac.MASTERS]))
        self.rotate_token()
        self.aggregator.present(self.front_proxy.client(templates.FRONT_PROXY_NAME))
        self.api.proxies.present(self.client(templates.KUBELET_CLIENT_NAME, [rbac.MASTERS]))
        start(self.aggregator.run())

    def _create_objects(self) -> None:
        for name in _NAMESPACES:
            self.registry.create(NAMESPACES, templates.namespace(name))
        for kind, item in [*roles.defaults(), *roles.metrics_server()]:
            self.registry.create(kind, item)
        self._publish(self.front_proxy.pem)

    async def _populate(self, start: Start) -> None:
        plan = self._plan
        if plan.host:
            await self._add_host(start)
        names = await self.nodes.add_many(plan.nodes, shared=plan.shared_address)
        for name in names:
            self.pods.run_apps(name, plan.pods)
        if plan.control_plane and names:
            self._pod_node = names[0]
            self.control_plane.add_api_server(names[0])
        if plan.churn:
            start(self.pods.churn(plan.churn))

    async def _add_host(self, start: Start) -> None:
        facts = host.facts()
        machine = host.HostMachine(now=self._now, interval=self._plan.housekeeping)
        await machine.measure()
        self.host_name = facts.name
        await self.nodes.add_host(facts, machine)
        pods = HostPods(self.registry, self.pods, facts.name, machine)
        pods.sync()
        start(machine.run(pods.sync))

    def _serving(self) -> pki.KeyPair:
        return self.authority.serving("kube-apiserver", ["localhost", "127.0.0.1", "kubernetes.default.svc"])

    def _check(self, question: verdicts.Question) -> verdicts.Verdict:
        """Judge a request to a kubelet, as its webhooks would."""
        user = question.user
        if user is None and (found := self.tokens.user(question.token) if question.token else None):
            user = identity.authenticated(found)
        if user is None:
            return verdicts.UNAUTHORIZED
        asked = Attributes("get", version="v1", resource="nodes", name=question.node)
        for subresource in question.subresources:
            if rbac.authorize(self.registry, user, replace(asked, subresource=subresource)).allowed:
                return verdicts.Verdict(200)
        return verdicts.forbidden(user.name, question.subresources)

    # --- the metrics server ---------------------------------------------------------------------------------

    def serve_flags(self) -> list[str]:
        """Return the flags with which a metrics server finds this cluster and its kubelets."""
        config = self.files.server
        return [
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            f"--kubelet-certificate-authority={self.files.ca}",
            "--kubelet-preferred-address-types=InternalIP",
            "--kubelet-use-node-status-port",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.files.directory / 'serving'}",
        ]

    def register(
        self, server: str, port: int, *, ca: bytes = b"", pod: str | None = None, args: Sequence[str] = ()
    ) -> None:
        """Point the APIServices of metrics.k8s.io at a server.

        Args:
            server: its host.
            port: its port.
            ca: PEM that its certificate is verified with; empty leaves it unverified.
            pod: the simulated node of which it is to be a pod, with all that leads there from a Service; empty for
                no pod, None for what the plan says.
            args: what that pod's container is started with.
        """
        node = self._pod_node if pod is None else pod
        self.control_plane.remove_server()
        if node:
            self.control_plane.add_server(node, server, port, args)
            port = controlobjects.SERVICE_PORT
        self.registry.apply(SERVICES, controlobjects.service() if node else templates.service(server))
        for version, priority in templates.VERSIONS:
            self.registry.apply(API_SERVICES, templates.api_service(version, priority, port, ca))
        self.aggregator.check_soon()

    def unregister(self) -> None:
        """Remove the APIServices, the Service and what is behind it."""
        self.control_plane.remove_server()
        for item in api_services(self.registry):
            self.registry.delete(API_SERVICES, item["metadata"]["name"])
        self.registry.delete(SERVICES, templates.SERVICE, SYSTEM)

    async def wait_available(self, timeout: float = 30.0) -> None:
        """Wait until every registered APIService is available.

        Raises:
            TimeoutError: it took longer than ``timeout`` seconds.
        """
        changed = asyncio.Event()

        def ring(_: Event | None) -> None:
            changed.set()

        listeners = self.registry[API_SERVICES].listeners
        listeners.append(ring)
        try:
            async with asyncio.timeout(timeout):
                while not self.available():
                    changed.clear()
                    await changed.wait()
        finally:
            listeners.remove(ring)

    def available(self) -> bool:
        """Tell whether a server is registered and all its APIServices are available."""
        found = api_services(self.registry)
        return bool(found) and all(available(item) for item in found)

    # --- credentials ----------------------------------------------------------------------------------------

    def client(self, user: str, groups: Sequence[str] = ()) -> pki.KeyPair:
        """Return a client certificate of a user."""
        return self.authority.client(user, groups)

    def kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Write a kubeconfig for a user, and return its path."""
        path = self.files.directory / f"{user.replace(':', '-')}.kubeconfig"
        self.files.write_user(path, self.client(user, groups))
        return path

    def rotate_token(self) -> str:
        """Replace the metrics server's token in its file; the one before is refused from now on."""
        account = self.registry.get(SERVICE_ACCOUNTS, SERVICE_ACCOUNT, SYSTEM)["metadata"]
        fresh = self.tokens.issue(SYSTEM, SERVICE_ACCOUNT, account["uid"], lifetime=_TOKEN_SECONDS)
        self.files.write_token(fresh)
        if self._token:
            self.tokens.revoke(self._token)
        self._token = fresh
        return fresh

    def rotate_front_proxy(self, *, keep_old: bool = False) -> None:
        """Make a new front-proxy CA, publish it, and use a certificate of it from now on.

        Args:
            keep_old: publish the CA before as well, as in a rotation that is prepared.
        """
        before = self.front_proxy.pem if keep_old else b""
        self.front_proxy = pki.Authority("front-proxy-ca", now=self._now)
        self._publish(self.front_proxy.pem + before)
        self.aggregator.present(self.front_proxy.client(templates.FRONT_PROXY_NAME))

    def rotate_kubelet_certificates(self) -> None:
        """Give every kubelet and the API server new certificates of the same authority."""
        self.nodes.renew_certificates(self.authority)
        self.api.renew(self._serving())

    def _publish(self, front_proxy_ca: bytes) -> None:
        self.registry.apply(CONFIG_MAPS, templates.authentication_config(self.authority.pem, front_proxy_ca))


def _temporary_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="kubevitals-", ignore_cleanup_errors=True)
