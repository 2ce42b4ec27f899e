"""Pods and what makes them. Pure."""

from __future__ import annotations

import msgspec

from kubevitals.doctor.objects.base import Conditions, Meta, Object


class ContainerPort(Object, frozen=True):
    """A port that a container names."""

    name: str = ""
    container_port: int = 0
    host_port: int = 0


class EnvVar(Object, frozen=True):
    """A variable of a container's environment."""

    name: str = ""
    value: str = ""


class Resources(Object, frozen=True):
    """What a container asks for and may use."""

    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class Container(Object, frozen=True):
    """A container as it is asked for."""

    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    command: tuple[str, ...] | None = ()
    args: tuple[str, ...] | None = ()
    ports: tuple[ContainerPort, ...] | None = ()
    env: tuple[EnvVar, ...] | None = ()
    resources: Resources = Resources()
    restart_policy: str | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        """Command and arguments, as far as the pod names them."""
        return (*(self.command or ()), *(self.args or ()))


class ConfigMapVolume(Object, frozen=True):
    """Which ConfigMap a volume shows."""

    name: str = ""


class Volume(Object, frozen=True):
    """A volume of a pod."""

    name: str = ""
    config_map: ConfigMapVolume | None = None


class PodSpec(Object, frozen=True):
    """``spec`` of a pod."""

    node_name: str = ""
    host_network: bool = False
    service_account_name: str = ""
    priority_class_name: str = ""
    dns_policy: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] | None = ()
    volumes: tuple[Volume, ...] | None = ()


class Waiting(Object, frozen=True):
    """Why a container does not run yet."""

    reason: str = ""
    message: str = ""


class Running(Object, frozen=True):
    """Since when a container runs."""

    started_at: str | None = None


class Terminated(Object, frozen=True):
    """How a container ended."""

    reason: str = ""
    message: str = ""
    exit_code: int = 0
    finished_at: str | None = None


class ContainerState(Object, frozen=True):
    """One of three."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Object, frozen=True):
    """A container as it is."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(Conditions, frozen=True):
    """``status`` of a pod."""

    phase: str = ""
    pod_ip: str = msgspec.field(name="podIP", default="")
    host_ip: str = msgspec.field(name="hostIP", default="")
    start_time: str | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = ()


class Pod(Object, frozen=True):
    """A pod."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        """Whether its Ready condition is true."""
        found = self.status.condition("Ready")
        return found is not None and found.status == "True"

    @property
    def finished(self) -> bool:
        """Whether it has run to its end."""
        return self.status.phase in ("Succeeded", "Failed")


class PodSelector(Object, frozen=True):
    """Which pods are a workload's."""

    match_labels: dict[str, str] | None = None


class PodTemplate(Object, frozen=True):
    """What a workload makes its pods by."""

    spec: PodSpec = PodSpec()


class WorkloadSpec(Object, frozen=True):
    """``spec`` of a Deployment, ReplicaSet or StatefulSet."""

    replicas: int | None = 1
    selector: PodSelector = PodSelector()
    template: PodTemplate = PodTemplate()


class Workload(Object, frozen=True):
    """A Deployment, ReplicaSet or StatefulSet."""

    metadata: Meta = Meta()
    spec: WorkloadSpec = WorkloadSpec()
    status: Conditions = Conditions()
