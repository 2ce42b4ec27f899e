"""The Metrics API is not registered, or leads nowhere: what the doctor says, and that what it says helps."""

from __future__ import annotations

import time

from tests.ward.ward import INSTALL, ward

from kubevitals.simulator.kinds import DEPLOYMENTS
from kubevitals.simulator.workload import Steady

LABELS = {"k8s-app": "metrics-server"}
SMALL = {"metrics-server": Steady(time.time() - 3600, 10**7, 1 << 25)}
_LEFT_BEHIND = """kubectl apply -f - <<'EOF'
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v1.custom.example
spec: {group: custom.example, version: v1, groupPriorityMinimum: 100, versionPriority: 10,
       insecureSkipTLSVerify: true, service: {namespace: default, name: gone, port: 443}}
EOF
"""
_TO_SERVICE = "kubectl -n kube-system patch service metrics-server"


async def test_no_provider() -> None:
    """D01: the command that is printed installs one, and all is well."""
    async with ward(installed=False) as patient:
        finding = await patient.diagnosed("D01")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_only_just_started() -> None:
    """D30: whoever looks in the first minute is told why the Service has no endpoint yet, and how long to wait."""
    async with ward(installed=False) as patient:
        patient.machine.age, patient.machine.resolution = 2.0, 60.0
        await patient.types(INSTALL)
        await patient.diagnosed("D30")


async def test_a_service_that_selects_nothing() -> None:
    """D03: no pod has the labels that the Service asks for; its manifest puts that right."""
    async with ward() as patient:
        await patient.types(f"""{_TO_SERVICE} -p '{{"spec":{{"selector":{{"k8s-app":"other"}}}}}}'""")
        finding = await patient.diagnosed("D03", "D03-selector")
        assert "apply its manifest again" in finding.remedies[0].text
        await patient.types(INSTALL)
        await patient.healthy()


async def test_a_service_to_a_port_that_no_pod_has() -> None:
    """D03: the patch that is printed lets the Service lead to the port there is."""
    async with ward() as patient:
        change = '[{"op":"replace","path":"/spec/ports/0/targetPort","value":"web"}]'
        await patient.types(f"{_TO_SERVICE} --type json -p '{change}'")
        finding = await patient.diagnosed("D03", "D03-port")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_an_api_service_that_leads_nowhere() -> None:
    """D04: what is left of a provider is removed, and one is installed, as is printed."""
    async with ward() as patient:
        await patient.types("kubectl -n kube-system delete service metrics-server")
        finding = await patient.diagnosed("D04")
        await patient.types(finding.remedies[1].command)
        await patient.healthy()


async def test_an_api_service_that_was_left_behind() -> None:
    """D40: the one that is down is named, whoever served it, and goes with the command that is printed."""
    async with ward() as patient:
        await patient.types(_LEFT_BEHIND)
        finding = await patient.diagnosed("D40")
        await patient.types(finding.remedies[1].command)
        await patient.healthy()


async def test_a_second_provider() -> None:
    """D41: two metrics servers contend for one APIService; with one of them gone, all is well."""
    async with ward() as patient:
        patient.cluster.pods.run(
            "worker-2", "monitoring", "metrics-server-0", SMALL, labels={"k8s-app": "metrics-server"}
        )
        spec = {"selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}}}
        metadata = {"namespace": "monitoring", "name": "metrics-server"}
        patient.cluster.registry.create(DEPLOYMENTS, {"metadata": metadata, "spec": spec})
        finding = await patient.diagnosed("D41")
        assert "metrics-server" in await patient.types(finding.remedies[0].command)
        await patient.types("kubectl -n monitoring delete deployment/metrics-server pod/metrics-server-0")
        await patient.healthy()
