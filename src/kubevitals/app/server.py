"""One running metrics server. Everything asynchronous lives in one TaskGroup."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from kubevitals import __version__, logs
from kubevitals.api import scrapestatus, selfmetrics
from kubevitals.api.authentication import Authenticator
from kubevitals.api.authentication.tokens import Tokens
from kubevitals.api.authentication.trust import ClientTrust
from kubevitals.api.authorization import Authorizer
from kubevitals.api.chain import Chain, ChainLimits
from kubevitals.api.health import Health
from kubevitals.api.http import Limits, Listener
from kubevitals.api.listening import listen
from kubevitals.api.message import Response
from kubevitals.api.resources import Resources
from kubevitals.api.routes import Routes
from kubevitals.app import adapters, inputs, overview
from kubevitals.app.bindings import Bindings
from kubevitals.app.upkeep import Upkeep
from kubevitals.informer import resources as followed
from kubevitals.informer.reflector import Reflector
from kubevitals.kube import reviews
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import ClusterConfig
from kubevitals.model import Capacity, Node
from kubevitals.scraper.client import KubeletClient
from kubevitals.scraper.cycle import Cycle
from kubevitals.scraper.report import Picture
from kubevitals.scraper.target import Target, resolve
from kubevitals.selectors import parse_labels
from kubevitals.settings import Settings
from kubevitals.store.filtering import LabelFilter
from kubevitals.store.inventory import Inventory
from kubevitals.store.labels import LabelPool
from kubevitals.store.points import Points
from kubevitals.telemetry import Telemetry
from kubevitals.tls import ReloadingContext

_log = logs.get(__name__)
_RETRY_AFTER, _RETRY_SHARE = 1.0, 1 / 15  # seconds, and at most so much of a cycle
_DRAIN_SECONDS = 60.0  # for requests in flight at the end, where nothing limits them
_HANG_UP_SECONDS = 2.0  # for requests in flight when there were none a moment ago
_TRUST_CONFIG_MAP = ("kube-system", "extension-apiserver-authentication")


class Server:
    """One metrics server: built from settings, run until ``stop`` is called.

    Args:
        settings: what the flags say.
        environ: where in-cluster configuration and KUBECONFIG are found.
        now: seconds since the epoch.
        resolution: seconds between cycles, where it may be shorter than the flags allow (demo and tests).
        reload_every: seconds between looks at the files that may change.
        limits: what one client may take.
        settled: called once, when every node has been scraped, or tried, for the first time.

    Raises:
        ConfigError: a file, certificate or address cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,  # noqa: TID251 - the one place where the clock comes from
        resolution: float | None = None,
        reload_every: float = 10.0,
        limits: Limits | None = None,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._environ = os.environ if environ is None else environ
        self._now = now
        self._resolution = resolution or settings.metric_resolution
        # A resolution below what the flags allow is for tests, where a slow kubelet is to fail within its cycle.
        longest = settings.kubelet_request_timeout
        self._request_timeout = min(longest, resolution) if resolution else longest
        self._reload_every = reload_every
        self._limits = limits or Limits()
        self._settled = settled
        self._stopping = asyncio.Event()
        self._draining = False

        self._telemetry = Telemetry(resolution=self._resolution)
        self._inventory = Inventory()
        # Milliseconds, so that the version goes on growing when the server starts again.
        self._points = Points(
            resolution=self._resolution,
            first_revision=int(now() * 1000),
            capacity=self._capacity,
            discard=self._telemetry.count_discarded,
        )
        self._inventory.subscribe(node_removed=self._points.forget_node, pod_removed=self._points.forget_pod)
        node_selector = parse_labels(settings.node_selector)
        self._node_filter = LabelFilter(node_selector)
        self._resources = Resources(self._inventory, self._points, node_selector)
        self._synced = asyncio.Event()

        self._cluster = inputs.cluster(settings.kubeconfig, self._environ, now)
        self._token_cluster, self._access_cluster = self._reviewers()
        self._trust = ClientTrust(inputs.trust_flags(settings), on_change=self._trust_changed)
        handshakes = adapters.HandshakeLog(self._telemetry, time.monotonic)
        self._lister = self._client(self._cluster)
        self._upkeep = Upkeep(settings, self._lister, self._environ, now, reload_every)
        managed, ask = self._upkeep.certificate, self._trust.asks
        self._tls = inputs.server_tls(settings, managed, ask=ask, on_failure=handshakes.note, now=now)
        self._trust_changed()
        self._kubelet_ca = inputs.kubelet_ca(settings)
        self._kubelet_pair = inputs.kubelet_pair(settings)
        if self._upkeep.pins is not None:
            self._inventory.subscribe(node_removed=self._upkeep.pins.forget)
        self._socket = listen(settings.bind_address, settings.secure_port, share_port=settings.permit_port_sharing)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    def stop(self) -> None:
        """Begin to shut down: not ready from now on, then drain, then end."""
        self._stopping.set()

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until ``stop``; ``started`` is called once requests are answered.

        Raises:
            ExceptionGroup: a part that should run for ever ended.
        """
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            stack.callback(self._socket.close)
            lister, token_reviewer, access_reviewer = [
                await stack.enter_async_context(each)
                for each in (self._lister, self._client(self._token_cluster), self._client(self._access_cluster))
            ]
            self._kubelets = await stack.enter_async_context(self._kubelet_client())
            self._reflectors = self._follow(lister)
            self._cycle = self._scraping(self._kubelets)
            self._chain = self._filters(token_reviewer, access_reviewer)
            listener = Listener(self._chain.handle, self._socket, self._limits)
            stack.callback(listener.abort)
            background = [
                *(
                    group.create_task(each.run(), name=f"reflector of {name}s")
                    for name, each in self._reflectors.items()
                ),
                group.create_task(self._cycle.run(self._synced), name="scrape cycles"),
                group.create_task(self._sync(), name="inventory sync"),
                group.create_task(self._reload(), name="file reload"),
                group.create_task(Bindings(lister, self._points, self._resolution).run(), name="disputed pods"),
                group.create_task(self._settle(), name="first cycle"),
                *(group.create_task(part, name=name) for name, part in self._upkeep.tasks(self._tls.reload)),
            ]
            await listener.start(self._tls.context)
            _log.info("Serving", address=self._settings.bind_address, port=self.port, version=__version__)
            started()
            await self._stopping.wait()
            await self._shut_down(listener)
            for task in background:
                task.cancel()

    async def _shut_down(self, listener: Listener) -> None:
        _log.info("Shutting down: not ready any more, still serving", seconds=self._settings.shutdown_delay_duration)
        await asyncio.sleep(self._settings.shutdown_delay_duration)
        self._draining = True
        grace = self._settings.request_timeout or _DRAIN_SECONDS
        if self._settings.shutdown_send_retry_after:
            await listener.drain(grace)
            grace = _HANG_UP_SECONDS
        await listener.stop(grace)
        _log.info("Every request was answered; stopped")

    # --- what exists ------------------------------------------------------------------------------------------

    def _follow(self, client: ApiClient) -> dict[str, Reflector[Any]]:
        labels, inventory = LabelPool().get, self._inventory
        reflectors: dict[str, Reflector[Any]] = {
            "node": Reflector(client, followed.nodes(labels), adapters.node_sink(inventory)),
            "pod": Reflector(client, followed.running_pods(labels), adapters.pod_sink(inventory)),
        }
        if not self._settings.authentication_skip_lookup:
            resource = followed.config_map(*_TRUST_CONFIG_MAP)
            reflectors["trust"] = Reflector(client, resource, adapters.trust_sink(self._trust))
        return reflectors

    async def _sync(self) -> None:
        await self._reflectors["node"].synced.wait()
        self._inventory.nodes_synced = True
        await self._reflectors["pod"].synced.wait()
        self._inventory.pods_synced = True
        _log.info("Nodes and pods are known", **self._inventory.counts())
        if self._upkeep.pins is not None:
            await self._upkeep.pins.known()
        self._synced.set()

    async def _settle(self) -> None:
        await self._cycle.completed.wait()
        self._settled()

    # --- what is measured -------------------------------------------------------------------------------------

    def _kubelet_client(self) -> KubeletClient:
        settings, credentials, pins = self._settings, self._cluster.credentials, self._upkeep.pins
        context = ReloadingContext(
            lambda: self._kubelet_ca.value if self._kubelet_ca else self._cluster.ca_pem,
            lambda: self._kubelet_pair.value if self._kubelet_pair else credentials.client_certificate(),
            insecure=settings.kubelet_insecure_tls or pins is not None,
        )
        return KubeletClient(
            context=context.current,
            now=self._now,
            timeout=self._request_timeout,
            authorization=credentials.authorization,
            refreshed=credentials.refresh,
            tls_server_name="node-name" if settings.kubelet_tls_server_name == "node-name" else "",
            judge=pins.judge if pins is not None else None,
        )

    def _scraping(self, client: KubeletClient) -> Cycle:
        return Cycle(
            nodes=self._selected_nodes,
            resolve=self._target,
            client=client,
            sink=adapters.Readings(self._points, self._resources),
            observer=self._telemetry,
            resolution=self._resolution,
            timeout=self._request_timeout,
            picture=Picture(self._upkeep.note),
            retry_after=min(_RETRY_AFTER, self._resolution * _RETRY_SHARE),
            now=self._now,
            concurrency=self._settings.kubelet_max_concurrent,
        )

    def _selected_nodes(self) -> Sequence[Node]:
        return self._node_filter.nodes(self._inventory.nodes())

    def _capacity(self, name: str) -> Capacity:
        node = self._inventory.node(name)
        return Capacity() if node is None else node.capacity

    def _target(self, node: Node) -> Target:
        settings = self._settings
        return resolve(
            node,
            address_types=settings.kubelet_preferred_address_types,
            port=settings.kubelet_port,
            use_status_port=settings.kubelet_use_node_status_port,
            scheme="http" if settings.deprecated_kubelet_completely_insecure else "https",
        )

    # --- what is answered -------------------------------------------------------------------------------------

    def _filters(self, token_reviewer: ApiClient, access_reviewer: ApiClient) -> Chain:
        settings, telemetry, clock = self._settings, self._telemetry, time.monotonic
        callers = telemetry.callers
        tokens = Tokens(
            partial(reviews.token_review, adapters.Reviewer(token_reviewer, callers.token_review, clock)),
            ttl=settings.authentication_token_webhook_cache_ttl,
            secret=os.urandom(32),
            clock=clock,
            observer=telemetry.token_cache,
        )
        authorizer = Authorizer(
            partial(reviews.subject_access_review, adapters.Reviewer(access_reviewer, callers.access_review, clock)),
            open_paths=settings.authorization_always_allow_paths,
            allowed_ttl=settings.authorization_webhook_cache_authorized_ttl,
            denied_ttl=settings.authorization_webhook_cache_unauthorized_ttl,
            clock=clock,
        )
        return Chain(
            authenticator=Authenticator(
                self._trust,
                tokens,
                now=self._now,
                certificate_seen=callers.certificate_seen,
                name_refused=adapters.RefusalLog(time.monotonic).note,
            ),
            authorizer=authorizer,
            routes=self._routes(),
            draining=lambda: self._draining,
            telemetry=telemetry,
            clock=clock,
            limits=ChainLimits(
                timeout=settings.request_timeout,
                in_flight=settings.max_requests_inflight,
                mutating_in_flight=settings.max_mutating_requests_inflight,
                hsts="; ".join(settings.strict_transport_security_directives),
                send_retry_after=settings.shutdown_send_retry_after,
            ),
        )

    def _routes(self) -> Routes:
        health = Health(
            storage_ready=self._storage_problem,
            informer_ready=self._informer_problem,
            collection_timely=self._collection_problem,
            shutting_down=lambda: "process is shutting down" if self._stopping.is_set() else "",
        )
        return Routes(
            resources=self._resources,
            health=health,
            metrics=self._metrics,
            scrape_status=self._scrape_status,
            served=adapters.freshness(self._telemetry, self._now),
            release=__version__,
            server_address=inputs.server_address(self._settings, self.port),
        )

    def _storage_problem(self) -> str:
        if self._informer_problem():
            return "no metrics to serve: the nodes and pods of the cluster are not known yet"
        measured_nodes = self._points.node_points
        measured_pods = self._points.container_points or not self._inventory.counts()["pods"]
        if measured_nodes and measured_pods:
            return ""
        kind = "pods" if measured_nodes else "nodes"
        return f"no metrics to serve: no {kind} were measured twice yet; {self._cycle.summary()}"

    def _informer_problem(self) -> str:
        for kind in ("node", "pod"):
            reflector = self._reflectors[kind]
            if not reflector.synced.is_set():
                return f"cache for {kind} informer has not synced: {reflector.problem}"
        if not self._trust.loaded and not self._settings.authentication_tolerate_lookup_failure:
            return f"it is not known yet whom the API server speaks for: {self._reflectors['trust'].problem}"
        if self._upkeep.pins is not None and self._upkeep.pins.problem:
            return f"it is not known yet which certificates kubelets have shown: {self._upkeep.pins.problem}"
        return ""

    def _collection_problem(self) -> str:
        started = self._cycle.last_start
        late = started is not None and asyncio.get_running_loop().time() - started > 1.5 * self._cycle.length
        return "metric collection didn't finish on time" if late else ""

    def _scrape_status(self, version: str) -> Response:
        names = [node.name for node in self._selected_nodes()]
        fields = {
            "release": __version__,
            "summary": self._cycle.summary(),
            "resolutionSeconds": self._resolution,
            "servedNodes": self._points.node_points,
            "servedPods": self._points.pods_with_usage,
        }
        nodes = overview.node_entries(names, self._cycle.status, self._kubelets.certificates, self._now())
        return scrapestatus.answer(version, fields, nodes, overview.withheld_entries(self._points))

    def _metrics(self) -> Response:
        points = self._points
        self._telemetry.set_in_flight(self._chain.in_flight.peaks())
        self._telemetry.set_points(nodes=points.node_points, containers=points.container_points)
        known = self._inventory.counts()
        self._telemetry.set_withheld(
            nodes=max(0, known["nodes"] - points.node_points),
            pods=max(0, known["pods"] - points.pods_with_usage),
        )
        now = self._now()
        days = {name: shown.days_left(now) for name, shown in self._kubelets.certificates.items()}
        return selfmetrics.answer(self._telemetry, days)

    # --- what changes while it runs -----------------------------------------------------------------------------

    def _trust_changed(self) -> None:
        self._tls.trust(self._trust.authorities)

    async def _reload(self) -> None:
        """Look at every file that may be replaced while the server runs."""
        while True:
            await asyncio.sleep(self._reload_every)
            self._tls.reload()
            self._trust.reload_files()
            for file in (self._kubelet_ca, self._kubelet_pair):
                if file is not None:
                    file.poll()

    def _client(self, config: ClusterConfig) -> ApiClient:
        return ApiClient(
            config,
            user_agent=f"kubevitals/{__version__}",
            count=self._telemetry.count_rest_request,
            timed=self._telemetry.observe_rest_request,
        )

    def _reviewers(self) -> tuple[ClusterConfig, ClusterConfig]:
        settings, environ, now = self._settings, self._environ, self._now
        return (
            inputs.reviewer(settings.authentication_kubeconfig, "authentication", settings, environ, now),
            inputs.reviewer(settings.authorization_kubeconfig, "authorization", settings, environ, now),
        )
