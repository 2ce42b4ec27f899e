"""kube.config: from files, or from a pod's service account, to one cluster and one identity."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.config import kubeconfig_paths, load_in_cluster, load_kubeconfig

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.mark.parametrize(
    ("flag", "environ", "paths"),
    [
        ("/a", {"KUBECONFIG": "/b"}, ["/a"]),
        ("", {"KUBECONFIG": "/b::/c:/b", "HOME": "/home/jane"}, ["/b", "/c"]),
        ("", {"HOME": "/home/jane"}, ["/home/jane/.kube/config"]),
        ("", {"KUBECONFIG": "", "HOME": "/h"}, ["/h/.kube/config"]),
        ("", {}, []),
    ],
)
def test_the_files_kubectl_would_read(flag, environ, paths):
    """The flag, else KUBECONFIG without blanks and repetitions, else the home directory."""
    assert kubeconfig_paths(flag, environ) == [Path(path) for path in paths]


@pytest.fixture
def kubeconfig(tmp_path):
    path = tmp_path / "config"
    path.write_text(
        "clusters:\n- name: one\n  cluster: {server: https://one:6443, tls-server-name: api, "
        "proxy-url: 'http://proxy:3128'}\n- name: two\n  cluster: {server: https://two, "
        "insecure-skip-tls-verify: true}\n"
        "users:\n- name: jane\n  user: {token: abc, as: bob}\n"
        "contexts:\n- name: first\n  context: {cluster: one, user: jane, namespace: dev}\n"
        "- name: second\n  context: {cluster: two}\n"
        "- name: broken\n  context: {cluster: three, user: nobody}\n"
        "- name: lost\n  context: {cluster: one, user: nobody}\n"
        "current-context: first\n"
    )
    return path


async def test_the_current_context_is_loaded(kubeconfig, clock):
    """Everything that a client needs to know is in one value."""
    config = load_kubeconfig([kubeconfig], now=clock, environ={})

    assert (config.server, config.server_name, config.proxy, config.insecure, config.namespace) == (
        "https://one:6443",
        "api",
        "http://proxy:3128",
        False,
        "dev",
    )
    assert config.impersonate == (("Impersonate-User", "bob"),)
    assert config.ca_pem is None
    assert await config.credentials.authorization() == "Bearer abc"


async def test_another_context_can_be_chosen(kubeconfig, clock):
    """A context without a user is an anonymous one."""
    config = load_kubeconfig([kubeconfig], "second", now=clock, environ={})

    assert (config.server, config.insecure, config.namespace) == ("https://two", True, "")
    assert await config.credentials.authorization() is None


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ("none", 'contexts has no entry named "none" (known: broken, first, lost, second)'),
        ("broken", 'clusters has no entry named "three" (known: one, two)'),
        ("lost", 'users has no entry named "nobody" (known: jane)'),
    ],
)
def test_a_name_that_leads_nowhere_is_said_with_those_that_exist(kubeconfig, clock, context, message):
    """A mistyped name is found by looking at the list."""
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_kubeconfig([kubeconfig], context, now=clock, environ={})


def test_a_kubeconfig_without_a_current_context_says_how_to_choose(tmp_path, clock):
    """There kubectl would fall back to localhost:8080, which helps nobody."""
    path = tmp_path / "config"
    path.write_text("users: []")
    with pytest.raises(ConfigError, match="current-context is not set; choose one with kubectl config use-context"):
        load_kubeconfig([path], now=clock, environ={})


@pytest.fixture
def account(tmp_path, authority):
    (tmp_path / "token").write_text("pod-token\n")
    (tmp_path / "ca.crt").write_bytes(authority.cert_pem.bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("host", "url"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
async def test_a_pod_knows_its_cluster(account, clock, authority, host, url):
    """Service host, token and authorities are where Kubernetes puts them; IPv6 hosts get brackets."""
    config = load_in_cluster({**IN_POD, "KUBERNETES_SERVICE_HOST": host}, account, now=clock)

    assert (config.server, config.ca_pem) == (url, authority.cert_pem.bytes())
    assert await config.credentials.authorization() == "Bearer pod-token"


async def test_token_and_authorities_are_read_again(account, clock, authority):
    """Both are replaced while the pod runs; a token that has become unreadable stays."""
    config = load_in_cluster(IN_POD, account, now=clock)
    (account / "ca.crt").write_bytes(authority.cert_pem.bytes() * 2)
    (account / "token").unlink()
    clock.at += 61

    assert config.ca_pem == authority.cert_pem.bytes() * 2
    assert await config.credentials.authorization() == "Bearer pod-token"


@pytest.mark.parametrize("missing", IN_POD)
def test_outside_a_pod_the_error_is_worded_as_upstream(tmp_path, clock, missing):
    """Scripts and people look for client-go's sentence."""
    environ = {key: value for key, value in IN_POD.items() if key != missing}
    with pytest.raises(ConfigError) as caught:
        load_in_cluster(environ, tmp_path, now=clock)

    assert str(caught.value) == (
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
    )


def test_a_pod_without_a_token_is_told_why(account, clock):
    """The usual reason is a pod that asked for no token."""
    (account / "token").unlink()
    with pytest.raises(ConfigError, match=r"automountServiceAccountToken false\?\): cannot read .*/token: No such"):
        load_in_cluster(IN_POD, account, now=clock)


def test_a_pod_without_authorities_uses_those_of_the_system(account, clock, caplog):
    """As client-go does, with a word in the log."""
    (account / "ca.crt").unlink()

    assert load_in_cluster(IN_POD, account, now=clock).ca_pem is None
    assert [record.getMessage() for record in caplog.records] == [
        "Verifying the API server with the system's authorities"
    ]
