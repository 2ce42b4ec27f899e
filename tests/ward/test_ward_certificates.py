"""Kubelets whose certificates cannot be verified: what the doctor says, and that what it says helps."""

from __future__ import annotations

import time

import pytest
from tests.kubeletcerts.making import manifest, pem
from tests.ward.ward import Ward, ward
from tests.whole.waiting import eventually

from kubevitals.model import User
from kubevitals.simulator import pki
from kubevitals.simulator.kinds import SIGNING_REQUESTS
from kubevitals.simulator.signing import requested

NODES = ("worker-1", "worker-2")
_MADE = "1757000000"  # seconds since the epoch, as a kubelet writes them into what it makes for itself


async def self_made(patient: Ward) -> None:
    """Let every kubelet have the certificate that it makes for itself, in its host's name alone; keep their CAs."""
    authorities = b""
    for node in NODES:
        authority = pki.Authority(f"{node}-ca@{_MADE}", now=time.time)
        await patient.cluster.nodes.certify(node, authority.serving(f"{node}@{_MADE}", [node]))
        patient.cluster.fleet[node].config["serverTLSBootstrap"] = False
        authorities += authority.pem
    (patient.desk / "ca.crt").write_bytes(authorities)


def asks(patient: Ward, node: str) -> str:
    """Let a kubelet ask for a serving certificate; return the name of its request."""
    name = f"csr-{node}"
    who = User(f"system:node:{node}", ("system:nodes", "system:authenticated"))
    item = manifest(name, pem(node, [node, patient.cluster.nodes.address(node)]))
    patient.cluster.registry.create(SIGNING_REQUESTS, requested(item, who))
    return name


async def gets(patient: Ward, node: str) -> None:
    """Wait until the request of a kubelet is approved, and let it have what was signed."""
    name = f"csr-{node}"

    def approved() -> bool:
        status = patient.cluster.registry.get(SIGNING_REQUESTS, name)["status"]
        return any(condition["type"] == "Approved" for condition in status.get("conditions") or ())

    await eventually(approved)
    await patient.cluster.nodes.recertify(node)


async def bootstrapped(patient: Ward, command: str) -> None:
    """Do what a command says to do on nodes, and then what it says to do here."""
    assert "serverTLSBootstrap: true" in command
    for node in NODES:
        patient.cluster.fleet[node].config["serverTLSBootstrap"] = True
        asks(patient, node)
    await patient.types(f"{command.splitlines()[-1]} --yes")
    for node in NODES:
        await gets(patient, node)


async def test_self_made_certificates() -> None:
    """D19: the cluster's authority signs what kubelets ask for, once each request was looked at."""
    async with ward() as patient:
        await self_made(patient)
        finding = await patient.diagnosed("D19")
        await bootstrapped(patient, finding.remedies[0].command)
        await patient.healthy()


@pytest.mark.parametrize("remedy", [1, 2, 3], ids=["names", "pins", "insecure"])
async def test_self_made_certificates_as_they_are(remedy: int) -> None:
    """D19: to verify names helps as well, and so do pins, and not to look, which is the last of the ways."""
    async with ward() as patient:
        await self_made(patient)
        finding = await patient.diagnosed("D19")
        assert [found.insecure for found in finding.remedies] == [False, False, False, True]
        await patient.types(finding.remedies[remedy].command)
        await patient.healthy()


async def test_another_authority() -> None:
    """D20: the commands that are printed let the provider trust it."""
    async with ward() as patient:
        authority = pki.Authority("hardware-department", now=time.time)
        for node in NODES:
            names = [node, patient.cluster.nodes.address(node)]
            await patient.cluster.nodes.certify(node, authority.serving(f"system:node:{node}", names))
        finding = await patient.diagnosed("D20")
        (patient.desk / "ca.crt").write_bytes(authority.pem)
        await patient.types(finding.remedies[1].command)
        await patient.healthy()


@pytest.mark.parametrize("remedy", [0, 1], ids=["kubevitals", "kubectl"])
async def test_no_certificate_yet(remedy: int) -> None:
    """D21: either command that is printed approves what the kubelet asks for."""
    async with ward() as patient:
        await patient.cluster.nodes.decertify("worker-2")
        asks(patient, "worker-2")
        finding = await patient.diagnosed("D21")
        command = finding.remedies[remedy].command
        await patient.types(f"{command} --yes" if command.startswith("kubevitals") else command)
        await gets(patient, "worker-2")
        await patient.healthy()


async def test_an_expired_certificate() -> None:
    """D22: the kubelet asks for a new one, and the command that is printed last approves it."""
    async with ward() as patient:
        names = ["worker-2", patient.cluster.nodes.address("worker-2")]
        over = patient.cluster.authority.serving("system:node:worker-2", names, lifetime=-3600.0)
        await patient.cluster.nodes.certify("worker-2", over)
        finding = await patient.diagnosed("D22")
        asks(patient, "worker-2")
        await patient.types(f"{finding.remedies[0].command.splitlines()[-1]} --yes")
        await gets(patient, "worker-2")
        await patient.healthy()
