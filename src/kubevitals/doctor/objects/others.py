"""Events, ConfigMaps, namespaces and metrics. Pure."""

from __future__ import annotations

import msgspec

from kubevitals.doctor.objects.base import Conditions, Meta, Object, TargetReference


class Event(Object, frozen=True):
    """An Event of the core group."""

    metadata: Meta = Meta()
    involved_object: TargetReference = TargetReference()
    reason: str = ""
    message: str = ""
    type: str = ""
    count: int | None = 1


class ConfigMap(Object, frozen=True):
    """A ConfigMap."""

    metadata: Meta = Meta()
    data: dict[str, str] | None = None


class RequestSpec(Object, frozen=True):
    """``spec`` of a CertificateSigningRequest."""

    signer_name: str = ""
    username: str = ""


class SigningRequest(Object, frozen=True):
    """A CertificateSigningRequest of ``certificates.k8s.io/v1``."""

    metadata: Meta = Meta()
    spec: RequestSpec = RequestSpec()
    status: Conditions = Conditions()

    @property
    def pending(self) -> bool:
        """Whether nobody has decided on it."""
        return not self.status.conditions


class AutoscalerSpec(Object, frozen=True):
    """``spec`` of a HorizontalPodAutoscaler."""

    scale_target_ref: TargetReference = TargetReference()


class Autoscaler(Object, frozen=True):
    """A HorizontalPodAutoscaler of ``autoscaling/v2``."""

    metadata: Meta = Meta()
    spec: AutoscalerSpec = AutoscalerSpec()
    status: Conditions = Conditions()


class Namespace(Object, frozen=True):
    """A namespace."""

    metadata: Meta = Meta()
    status: Conditions = Conditions()


class ContainerMetrics(Object, frozen=True):
    """Usage of one container."""

    name: str = ""
    usage: dict[str, str] = msgspec.field(default_factory=dict)


class Metrics(Object, frozen=True):
    """A NodeMetrics (``usage``) or PodMetrics (``containers``) of ``metrics.k8s.io``."""

    metadata: Meta = Meta()
    timestamp: str = ""
    window: str = ""
    usage: dict[str, str] = msgspec.field(default_factory=dict)
    containers: tuple[ContainerMetrics, ...] = ()
