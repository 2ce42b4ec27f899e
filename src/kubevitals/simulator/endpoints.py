"""Where a Service leads: through its EndpointSlices to an address and a port. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kubevitals.quoting import quote
from kubevitals.simulator import status
from kubevitals.simulator.kinds import API_SERVICES, ENDPOINT_SLICES, SERVICES, Object
from kubevitals.simulator.registry import Registry

OF_SERVICE = "kubernetes.io/service-name"


class Problem(NamedTuple):
    """Why an APIService cannot be available: the reason and message of its condition."""

    reason: str
    message: str


def is_external(service: Object) -> bool:
    """Tell whether a Service is only another name for a host."""
    return bool(service["spec"].get("type") == "ExternalName")


def slices(registry: Registry, namespace: str, name: str) -> list[Object]:
    """Return the EndpointSlices of a Service."""
    found = (item for item in registry[ENDPOINT_SLICES].items() if item["metadata"]["namespace"] == namespace)
    return [item for item in found if (item["metadata"].get("labels") or {}).get(OF_SERVICE) == name]


def ready(found: list[Object], port_name: str) -> Iterator[tuple[str, int]]:
    """Yield the addresses that are ready, with the number of the port of this name."""
    for item in found:
        numbers = [port["port"] for port in item.get("ports") or () if port.get("name", "") == port_name]
        for endpoint in item.get("endpoints") or ():
            if numbers and (endpoint.get("conditions") or {}).get("ready", True):
                yield from ((host, numbers[0]) for host in endpoint["addresses"])


def problem(registry: Registry, reference: Object) -> Problem | None:
    """Return what is wrong with the Service that an APIService refers to, None when it leads somewhere.

    The reasons and messages are those of kube-aggregator's availability controller, in the order of its checks.
    """
    namespace, name, number = reference["namespace"], reference["name"], reference.get("port", 443)
    where = f"service/{name} in {quote(namespace)}"
    service = registry[SERVICES].get(f"{namespace}/{name}")
    if service is None:
        return Problem("ServiceNotFound", f"{where} is not present")
    if is_external(service):
        return None
    port_name = port_name_of(service, number)
    if port_name is None:
        return Problem("ServicePortError", f"{where} is not listening on port {number}")
    found = slices(registry, namespace, name)
    if not found:
        return Problem("EndpointsNotFound", f"cannot find endpoints for {where}")
    if not any(ready(found, port_name)):
        message = f"endpoints for {where} have no addresses with port name {quote(port_name)}"
        return Problem("MissingEndpoints", message)
    return None


def port_name_of(service: Object, number: int) -> str | None:
    """Return the name of a Service's port, empty for one without, None when there is no such port."""
    ports = service["spec"].get("ports") or ()
    return next((port.get("name", "") for port in ports if port["port"] == number), None)


def resolve(registry: Registry, reference: Object) -> tuple[str, int] | None:
    """Return host and port behind the Service that an APIService refers to, None when there is a problem."""
    if problem(registry, reference) is not None:
        return None
    namespace, name, number = reference["namespace"], reference["name"], reference.get("port", 443)
    service = registry.get(SERVICES, name, namespace)
    if is_external(service):
        return service["spec"]["externalName"], number
    port_name = port_name_of(service, number) or ""
    return next(ready(slices(registry, namespace, name), port_name))


def service_location(registry: Registry, namespace: str, name: str, port: str) -> tuple[str, int]:
    """Return host and port that the proxy subresource of a Service leads to.

    Args:
        registry: where the objects are.
        namespace: of the Service.
        name: of the Service.
        port: number or name of its port; empty is the port without a name.

    Raises:
        Refused: 404 without the Service, 503 without such a port or a ready address.
    """
    service = registry.get(SERVICES, name, namespace)
    if is_external(service):
        return service["spec"]["externalName"], _external_port(registry, namespace, name, port)
    if port.isdecimal():
        found = port_name_of(service, int(port))
        if found is None:
            raise status.unavailable(f"no service port {port} found for service {quote(name)}")
        port = found
    located = next(ready(slices(registry, namespace, name), port), None)
    if located is None:
        raise status.unavailable(f"no endpoints available for service {quote(name)}")
    return located


def _external_port(registry: Registry, namespace: str, name: str, port: str) -> int:
    """Return the port asked for, or that of an APIService: a real API server proxies to no external name at all."""
    if port.isdecimal():
        return int(port)
    for item in registry[API_SERVICES].items():
        reference = item["spec"].get("service") or {}
        if (reference.get("namespace"), reference.get("name")) == (namespace, name):
            return int(reference.get("port", 443))
    raise status.unavailable(f"no endpoints available for service {quote(name)}")
