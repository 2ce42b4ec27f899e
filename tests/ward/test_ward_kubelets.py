"""Kubelets that the provider does not reach or that do not answer it: what the doctor says, and that it helps."""

from __future__ import annotations

from tests.ward.ward import ward

from kubevitals.simulator.faults import KubeletFault
from kubevitals.simulator.kinds import DEPLOYMENTS

_WEBHOOK = "authentication.webhook.enabled"
_ANONYMOUS = "authentication.anonymous.enabled"


def installed_with(types: str) -> str:
    """The command that installs the provider with other types of addresses."""
    return f"kubevitals manifests | sed s/InternalIP,ExternalIP,Hostname/{types}/ | kubectl apply -f -"


async def test_names_that_dns_does_not_know() -> None:
    """D23: the patch that is printed lets the provider dial addresses."""
    async with ward() as patient:
        await patient.types(installed_with("Hostname"))
        finding = await patient.diagnosed("D23")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_nodes_without_an_address_of_the_type() -> None:
    """D24: the patch that is printed names types that nodes have."""
    async with ward() as patient:
        await patient.types(installed_with("ExternalIP"))
        finding = await patient.diagnosed("D24")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_an_address_for_a_type() -> None:
    """D24: an address where a type belongs is told apart."""
    async with ward() as patient:
        await patient.types(installed_with("10.0.0.1"))
        finding = await patient.diagnosed("D24", "D24-address")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_kubelets_that_are_slow() -> None:
    """D26: the patch that is printed gives them longer, and asks less often."""
    async with ward() as patient:
        kubelet = patient.cluster.fleet["worker-2"]
        kubelet.fault, kubelet.delay = KubeletFault.SLOW, 3.0
        finding = await patient.diagnosed("D26")
        await patient.types(finding.remedies[1].command)
        deployment = patient.cluster.registry.get(DEPLOYMENTS, "metrics-server", "kube-system")
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert {"--kubelet-request-timeout=20s", "--metric-resolution=30s"} <= set(container["args"])
        assert len([flag for flag in container["args"] if flag.startswith("--metric-resolution")]) == 1
        kubelet.fault = None
        await patient.healthy()


async def test_kubelets_that_refuse_tokens() -> None:
    """D27: with the settings that are printed they accept the provider's."""
    async with ward() as patient:
        config = patient.cluster.fleet["worker-2"].config
        config[_WEBHOOK] = False
        finding = await patient.diagnosed("D27")
        assert "webhook:\n    enabled: true" in finding.remedies[0].command
        config[_WEBHOOK] = True
        await patient.healthy()


async def test_kubelets_that_look_at_no_token() -> None:
    """D28: with the settings that are printed they know who asks."""
    async with ward() as patient:
        config = patient.cluster.fleet["worker-2"].config
        config.update({_WEBHOOK: False, _ANONYMOUS: True})
        finding = await patient.diagnosed("D28")
        assert "webhook:\n    enabled: true" in finding.remedies[0].command
        config.update({_WEBHOOK: True, _ANONYMOUS: False})
        await patient.healthy()
