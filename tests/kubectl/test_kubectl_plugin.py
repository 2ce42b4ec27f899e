"""``kubectl vitals``: every release of kubectl at hand finds the plugin in PATH and starts it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.kubectl, pytest.mark.timeout(300)]
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
PLUGIN = "kubectl-vitals"


@pytest.fixture
def kubectl_vitals(binary, demo, tmp_path):
    """Runs ``kubectl vitals`` with the plugin's script as pip writes it, in a directory of PATH."""
    module, _, function = tomllib.loads(PROJECT.read_text())["project"]["scripts"][PLUGIN].partition(":")
    script = tmp_path / PLUGIN
    script.write_text(f"#!{sys.executable}\nfrom {module} import {function}\n{function}()\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KUBECONFIG": str(demo.kubeconfig)}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        argv = [binary, "vitals", *args]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, env=environment)

    return run


def test_help_says_how_it_is_called(kubectl_vitals):
    """The usage is what one types."""
    done = kubectl_vitals("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: kubectl vitals [OPTIONS] COMMAND [ARGS]...")
    assert "top" in done.stdout


def test_nodes(kubectl_vitals, demo):
    """The numbers are those that ``kubectl top nodes`` prints."""
    done = kubectl_vitals("top", "nodes", "--no-headers")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert {row[0]: row[1] for row in rows} == {name: use.cpu for name, use in demo.nodes.items()}


def test_pods_with_kubectls_own_options(kubectl_vitals, demo):
    """Options of kubectl stand after the plugin's command."""
    done = kubectl_vitals("top", "pods", f"--kubeconfig={demo.kubeconfig}", "--context=kubevitals", "-n", "shop")
    names = {line.split()[0] for line in done.stdout.splitlines()[1:]}
    assert names == {pod for namespace, pod, _ in demo.containers if namespace == "shop"}


def test_what_cannot_be_used(kubectl_vitals):
    """The exit code and words are the plugin's: kubectl hands them back."""
    done = kubectl_vitals("top", "pods", "-l", "a=(")
    assert done.returncode == 2
    assert done.stderr.startswith("kubectl vitals: --selector: ")


def test_the_doctor(kubectl_vitals):
    """A cluster that is well is told so, and what of it cannot be looked at."""
    done = kubectl_vitals("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is wrong with what could be looked at." in done.stdout
