"""How a request gets from the API server to a provider: APIServices, Services and EndpointSlices. Pure."""

from __future__ import annotations

import msgspec

from kubevitals.doctor.objects.base import Condition, Conditions, Meta, Object, TargetReference


class ServiceReference(Object, frozen=True):
    """Where an APIService leads."""

    namespace: str = ""
    name: str = ""
    port: int = 443


class ApiServiceSpec(Object, frozen=True):
    """``spec`` of an APIService."""

    group: str = ""
    version: str = ""
    service: ServiceReference | None = None
    insecure_skip_tls_verify: bool = msgspec.field(name="insecureSkipTLSVerify", default=False)
    ca_bundle: str | None = None


class ApiService(Object, frozen=True):
    """An APIService of ``apiregistration.k8s.io/v1``."""

    metadata: Meta = Meta()
    spec: ApiServiceSpec = ApiServiceSpec()
    status: Conditions = Conditions()

    @property
    def available(self) -> Condition | None:
        """What the API server says about reaching it."""
        return self.status.condition("Available")


class ServicePort(Object, frozen=True):
    """A port of a Service."""

    name: str = ""
    port: int = 0
    target_port: int | str = 0


class ServiceSpec(Object, frozen=True):
    """``spec`` of a Service."""

    selector: dict[str, str] | None = None
    ports: tuple[ServicePort, ...] | None = ()
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    type: str = "ClusterIP"
    external_name: str = ""


class Service(Object, frozen=True):
    """A Service."""

    metadata: Meta = Meta()
    spec: ServiceSpec = ServiceSpec()

    @property
    def leads_out(self) -> bool:
        """Whether it is a name of something outside, without endpoints."""
        return self.spec.type == "ExternalName"


class EndpointConditions(Object, frozen=True):
    """Whether an endpoint takes requests; unset means yes."""

    ready: bool | None = None


class Endpoint(Object, frozen=True):
    """One backend of a Service."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetReference | None = None
    node_name: str = ""


class EndpointPort(Object, frozen=True):
    """Where the backends listen."""

    name: str | None = ""
    port: int | None = 0


class EndpointSlice(Object, frozen=True):
    """An EndpointSlice of ``discovery.k8s.io/v1``."""

    metadata: Meta = Meta()
    endpoints: tuple[Endpoint, ...] | None = ()
    ports: tuple[EndpointPort, ...] | None = ()
