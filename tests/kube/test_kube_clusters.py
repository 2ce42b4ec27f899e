"""kube.clusters: where the API server is and whom to trust there."""

from __future__ import annotations

import base64

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.clusters import authorities, proxy_url, server_url, told_to_plugins
from kubevitals.kube.files import FixedContent
from kubevitals.kube.kubeconfig import Cluster, Entry, Extension


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"server": "https://10.0.0.1:6443"}, "https://10.0.0.1:6443"),
        ({"server": "https://rancher/k8s/clusters/c-1/"}, "https://rancher/k8s/clusters/c-1"),
        ({"server": "https://[fd00::1]:6443"}, "https://[fd00::1]:6443"),
        ({"server": "localhost:8080"}, "http://localhost:8080"),
        ({"server": "10.0.0.1", "certificate_authority": "ca"}, "https://10.0.0.1"),
        ({"server": "10.0.0.1", "insecure_skip_tls_verify": True}, "https://10.0.0.1"),
    ],
)
def test_the_server_becomes_a_url(fields, url):
    """A bare host is read as client-go reads it; a path prefix stays."""
    assert server_url(Cluster(**fields), "c") == url


@pytest.mark.parametrize("server", ["", "ftp://a", "https://", "https://a:99999", "https://[::1", "unix:///run/x"])
def test_what_is_no_url_is_refused(server):
    """The error shows what was written and what is expected."""
    with pytest.raises(ConfigError, match=r"c: server .* is no URL of an API server, such as https://"):
        server_url(Cluster(server=server), "c")


def test_a_proxy_must_speak_http():
    """SOCKS is not supported, and is said to be so."""
    assert proxy_url(Cluster(proxy_url="http://proxy:3128"), "c") == "http://proxy:3128"
    with pytest.raises(ConfigError, match="c: proxy-url must be an http"):
        proxy_url(Cluster(proxy_url="socks5://proxy:1080"), "c")


def test_data_counts_before_a_file(tmp_path, clock, authority):
    """As in client-go; without either the system's authorities count."""
    pem = authority.cert_pem.bytes()
    (tmp_path / "ca.crt").write_bytes(pem + pem)
    data = Cluster(certificate_authority_data=base64.b64encode(pem).decode(), certificate_authority="none")
    file = Cluster(certificate_authority="ca.crt")
    found = [authorities(Entry(cluster, tmp_path / "c"), "c", clock) for cluster in (data, file, Cluster())]

    assert [content and content.content() for content in found] == [pem, pem + pem, None]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"certificate_authority_data": "!"}, "certificate-authority-data of c is not base64"),
        ({"certificate_authority_data": "cGVt"}, "c: the certificate authority is no PEM certificate"),
        ({"certificate_authority": "none"}, "certificate-authority of c: cannot read .*/none"),
        (
            {"certificate_authority": "none", "insecure_skip_tls_verify": True},
            "c has insecure-skip-tls-verify and a certificate authority; remove the first",
        ),
    ],
)
def test_authorities_that_cannot_be_used_are_refused(tmp_path, clock, fields, message):
    """When the kubeconfig is read, not at the first handshake."""
    with pytest.raises(ConfigError, match=message):
        authorities(Entry(Cluster(**fields), tmp_path / "config"), "c", clock)


def test_plugins_are_told_the_cluster(tmp_path):
    """Field names of client.authentication.k8s.io; empty ones go; the plugin's own config is added."""
    path = tmp_path / "config"
    path.write_text(
        "clusters:\n- name: a\n  cluster:\n    server: https://x\n    extensions:\n"
        "    - {name: client.authentication.k8s.io/exec, extension: {audience: z, ttl: 3}}"
    )
    cluster = Cluster(
        server="https://x/",
        tls_server_name="y",
        extensions=[Extension("client.authentication.k8s.io/exec", {"audience": "z", "ttl": "3"})],
    )

    assert told_to_plugins(Entry(cluster, path), "a", "https://x", FixedContent(b"pem")) == {
        "server": "https://x",
        "tls-server-name": "y",
        "certificate-authority-data": b"pem",
        "config": {"audience": "z", "ttl": 3},
    }
