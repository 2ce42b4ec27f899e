"""kube.exec_plugin: credentials from a program."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from kubevitals.errors import ConfigError
from kubevitals.kube.exec_plugin import EnvVar, ExecPlugin, ExecSpec, Issued, environment, parse_credential

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


@pytest.fixture
def plugin(tmp_path, clock):
    """Makes a plugin from a few lines of Python, which count their runs in ``runs``."""

    def make(code, *, version=V1, **settings):
        script = tmp_path / "plugin"
        script.write_text(
            f"#!{sys.executable} -S\nimport json, os, sys\n"
            f"with open({str(tmp_path / 'runs')!r}, 'a') as runs: runs.write('x')\n"
            f"run = os.path.getsize({str(tmp_path / 'runs')!r})\n"
            f"def give(**status): print(json.dumps({{'kind': 'ExecCredential', 'apiVersion': {version!r}, "
            f"'status': status}}))\n{code}\n"
        )
        script.chmod(0o700)
        spec_fields = {key: settings.pop(key) for key in list(settings) if key in ExecSpec.__struct_fields__}
        spec = ExecSpec(api_version=version, command=str(script), **spec_fields)
        settings.setdefault("environ", dict(os.environ))
        return ExecPlugin(spec, 'user "jane"', clock, **settings)

    return make


@pytest.fixture
def runs(tmp_path):
    return lambda: len((tmp_path / "runs").read_text()) if (tmp_path / "runs").exists() else 0


@pytest.mark.parametrize("version", [V1, V1BETA1])
async def test_the_token_of_a_plugin_is_used_until_it_expires(plugin, runs, clock, version):
    """A valid token costs one run; an expired one costs another."""
    made = plugin(
        "expiry = ['', '1970-01-12T13:46:50Z', '2100-01-01T00:00:00Z'][run]\n"
        "give(token=f'token-{run}', expirationTimestamp=expiry)",
        version=version,
    )
    first = [await made.authorization(), await made.authorization()]
    clock.at = 1_000_010.0

    assert [*first, await made.authorization(), runs()] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
        2,
    ]


async def test_a_plugin_may_give_a_client_certificate(plugin, clock):
    """Certificate and key count from the first run on; there is then no header."""
    made = plugin("give(clientCertificateData='CERT', clientKeyData='KEY')")
    before = made.client_certificate()

    assert [before, await made.authorization(), made.client_certificate()] == [None, None, (b"CERT", b"KEY")]


async def test_a_refused_token_runs_the_plugin_again(plugin, runs):
    """After a 401 what was cached does not count, expired or not."""
    made = plugin("give(token=f'token-{run}')")
    await made.authorization()

    assert await made.refresh() is True
    assert [await made.authorization(), runs()] == ["Bearer token-2", 2]


async def test_a_plugin_that_gives_the_same_again_is_no_reason_to_ask_again(plugin):
    """The API server would only refuse it once more."""
    made = plugin("give(token='same')")
    await made.authorization()

    assert await made.refresh() is False


async def test_requests_refused_together_run_the_plugin_once(plugin, runs):
    """A browser that opens once per request would be unbearable."""
    made = plugin("give(token=f'token-{run}')")
    await made.authorization()
    async with asyncio.TaskGroup() as tasks:
        renewals = [tasks.create_task(made.refresh()) for _ in range(5)]

    assert [renewal.result() for renewal in renewals] == [True] * 5
    assert runs() == 2


async def test_a_plugin_is_told_about_the_cluster(plugin, tmp_path):
    """KUBERNETES_EXEC_INFO carries version, interactivity and, where asked for, the cluster."""
    made = plugin(
        f"open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['KUBERNETES_EXEC_INFO'])\ngive(token='t')",
        cluster={"server": "https://a", "certificate-authority-data": b"pem", "config": {"n": 1}},
        provide_cluster_info=True,
    )
    await made.authorization()

    assert json.loads((tmp_path / "seen").read_text()) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {
            "interactive": False,
            "cluster": {"server": "https://a", "certificate-authority-data": "cGVt", "config": {"n": 1}},
        },
    }


async def test_a_plugin_gets_its_arguments_and_variables(plugin):
    """Its own variables win over ours."""
    made = plugin(
        "give(token='-'.join([*sys.argv[1:], os.environ['MINE'], os.environ['YOURS']]))",
        args=["a", "b"],
        env=[EnvVar("MINE", "own")],
        environ={"MINE": "inherited", "YOURS": "inherited"},
    )

    assert await made.authorization() == "Bearer a-b-own-inherited"


def test_the_cluster_is_told_only_to_plugins_that_ask():
    """Without provideClusterInfo the plugin learns nothing about the cluster."""
    spec = ExecSpec(api_version=V1, command="x")
    info = json.loads(environment(spec, {}, {"server": "https://a"}, interactive=True)["KUBERNETES_EXEC_INFO"])

    assert info["spec"] == {"interactive": True}


async def test_a_failing_plugin_is_named_with_its_last_words(plugin):
    """Exit status and the last line of standard error, quoted, are what a person needs."""
    made = plugin("print('first', file=sys.stderr); print('log in \\x1b[1mfirst', file=sys.stderr); sys.exit(3)")
    expected = r"exec plugin .*plugin of user \"jane\" failed with exit status 3: 'log in \\x1b\[1mfirst'"
    with pytest.raises(ConfigError, match=expected):
        await made.authorization()


async def test_a_missing_plugin_comes_with_its_install_hint(clock):
    """The installHint is the kubeconfig author's own remedy."""
    spec = ExecSpec(api_version=V1, command="/nowhere/plugin", install_hint="run: brew install plugin\n")
    made = ExecPlugin(spec, "u", clock, environ={})
    with pytest.raises(ConfigError, match=r"cannot be run: No such file or directory; run: brew install plugin$"):
        await made.authorization()


async def test_a_plugin_that_hangs_is_killed_with_its_children(plugin, tmp_path):
    """The time limit holds even if a child of the plugin keeps its output open."""
    code = (
        f"child = os.fork() or os.execvp('sleep', ['sleep', '600'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child))\nos.wait()"
    )
    made = plugin(code, timeout=1.0)
    with pytest.raises(ConfigError, match="did not end within 1 s"):
        await made.authorization()
    child = int((tmp_path / "child").read_text())

    assert not _is_running(child)


def _is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_plugin_that_must_ask_needs_a_person(clock):
    """With interactiveMode Always it fails at once where standard input is no terminal."""
    spec = ExecSpec(api_version=V1, command="x", interactive_mode="Always")
    with pytest.raises(ConfigError, match="must ask a person, and standard input is no terminal"):
        ExecPlugin(spec, "u", clock, environ={}, interactive=False)


async def test_a_plugin_may_ask_a_person(plugin):
    """With a terminal, and unless interactiveMode is Never, the plugin is told that it may."""
    code = "give(token=str(json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec']['interactive']))"

    assert await plugin(code, interactive=True).authorization() == "Bearer True"
    assert await plugin(code, interactive=True, interactive_mode="Never").authorization() == "Bearer False"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            ExecSpec(api_version="client.authentication.k8s.io/v1alpha1", command="x"),
            "is not supported, only",
        ),
        (ExecSpec(api_version=V1, command=""), "exec.command is empty"),
        (ExecSpec(api_version=V1, command="x", interactive_mode="Maybe"), "'Maybe' is unknown"),
    ],
)
def test_a_spec_that_cannot_work_is_refused(spec, message, clock):
    """The kubeconfig is at fault, so it is said when the kubeconfig is read."""
    with pytest.raises(ConfigError, match=message):
        ExecPlugin(spec, "u", clock, environ={})


def credential(version=V1, kind="ExecCredential", **status):
    return json.dumps({"kind": kind, "apiVersion": version, "status": status}).encode()


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [("2001-09-09T01:46:40Z", 1e9), ("2001-09-09T03:46:40+02:00", 1e9), ("2001-09-09T01:46:40", 1e9)],
)
def test_an_expiry_is_read_in_its_zone(expires, seconds):
    """RFC 3339; a time without a zone is taken as UTC."""
    issued = parse_credential(credential(token="t", expirationTimestamp=expires), V1, "p")

    assert issued == Issued("t", b"", b"", seconds)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (b"", "p printed no ExecCredential"),
        (b"secret", "p printed no ExecCredential: JSON is malformed"),
        (b"[" * 100_000, "p printed no ExecCredential"),
        (b'{"kind":"\xff"}', "p printed no ExecCredential"),
        (credential(token=7), "p printed no ExecCredential: Expected `str | null`"),
        (credential(V1BETA1, token="secret"), "p printed ExecCredential of version .*v1beta1.*asks for"),
        (credential(kind="Pod", token="secret"), "p printed Pod of version"),
        (b"{}", "p printed an object of version ''"),
        (credential(clientKeyData="secret"), "only one of clientCertificateData and clientKeyData"),
        (credential(), "neither a token nor a certificate"),
    ],
)
def test_output_that_is_no_credential_is_refused(output, message):
    """The error says what is wrong and never shows the output, which may hold a secret."""
    with pytest.raises(ConfigError, match=message) as caught:
        parse_credential(output, V1, "p")

    assert "secret" not in str(caught.value)
