"""The provider does not believe the API server's front proxy: what the doctor says, and that all is well afterwards."""

from __future__ import annotations

import time

import pytest
from tests.ward.ward import ward

from kubevitals.simulator import pki
from kubevitals.simulator.cluster import Cluster
from kubevitals.simulator.templates import FRONT_PROXY_NAME

_PATCH = "kubectl -n kube-system patch configmap extension-apiserver-authentication -p"


def of_another_authority(cluster: Cluster) -> pki.KeyPair:
    """A certificate of an authority that nobody published."""
    return pki.Authority("front-proxy-ca", now=time.time).client(FRONT_PROXY_NAME)


def expired(cluster: Cluster) -> pki.KeyPair:
    """A certificate that is over."""
    return cluster.front_proxy.client(FRONT_PROXY_NAME, lifetime=-3600.0)


def for_servers(cluster: Cluster) -> pki.KeyPair:
    """A certificate for serving."""
    return cluster.front_proxy.serving(FRONT_PROXY_NAME, [FRONT_PROXY_NAME])


@pytest.mark.parametrize(
    ("row", "certificate"),
    [("D11", of_another_authority), ("D12", expired), ("D13", for_servers)],
    ids=["D11", "D12", "D13"],
)
async def test_a_certificate_that_is_not_believed(row, certificate) -> None:
    """The provider ends the handshake; its log tells the three apart. With a good certificate all is well."""
    async with ward() as patient:
        patient.cluster.aggregator.present(certificate(patient.cluster))
        finding = await patient.diagnosed(row)
        if row == "D11":  # the others' commands are for the hosts of the control plane
            await patient.types(finding.remedies[0].command)
        patient.cluster.rotate_front_proxy()
        await patient.healthy()


async def test_a_name_that_is_not_allowed() -> None:
    """D15: the flag that is printed holds the names there are, and the one that is missing."""
    async with ward() as patient:
        await patient.types(f"""{_PATCH} '{{"data":{{"requestheader-allowed-names":"[\\"other\\"]"}}}}'""")
        finding = await patient.diagnosed("D15")
        assert finding.remedies[0].command == "--requestheader-allowed-names=other,front-proxy-client"
        names = '[\\"other\\",\\"front-proxy-client\\"]'
        await patient.types(f"""{_PATCH} '{{"data":{{"requestheader-allowed-names":"{names}"}}}}'""")
        await patient.healthy()
