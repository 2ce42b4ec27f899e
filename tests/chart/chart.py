"""What helm makes of the chart."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "deploy/charts/kubevitals"
CI = sorted(CHART.glob("ci/*-values.yaml"))
NEWEST, OLDEST = "1.37.0", "1.20.0"  # the releases of Kubernetes that the chart is for
NAMESPACE = "monitoring"

Object = dict[str, Any]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of one rendering."""

    text: str

    @property
    def objects(self) -> list[Object]:
        """Every object, in the order that helm installs them in."""
        return [each for each in yaml.safe_load_all(self.text) if each]

    def all(self, kind: str) -> dict[str, Object]:
        """The objects of a kind, by name."""
        return {each["metadata"]["name"]: each for each in self.objects if each["kind"] == kind}

    def one(self, kind: str) -> Object:
        """The only object of its kind."""
        (found,) = self.all(kind).values()
        return found

    @property
    def pod(self) -> Object:
        """The spec of the pods."""
        spec: Object = self.one("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> Object:
        """The only container."""
        (found,) = self.pod["containers"]
        return dict(found)

    @property
    def flags(self) -> dict[str, str]:
        """The value of each of the server's flags; the last one counts."""
        pairs = (argument.removeprefix("--").partition("=") for argument in self.container["args"])
        return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class Helm:
    """One release of helm."""

    binary: Path
    home: Path

    def run(self, *argv: str, values: Values | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to the end, whatever that is; ``values`` are given as a file is."""
        homes = {f"HELM_{what}_HOME": str(self.home / what) for what in ("CACHE", "CONFIG", "DATA")}
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": os.devnull, **homes}
        given = ["--values=-"] if values is not None else []
        return subprocess.run(
            [str(self.binary), *argv, *given],
            input=json.dumps(values),
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def template(
        self, values: Values | None = None, *argv: str, release: str = "kv", kubernetes: str = NEWEST
    ) -> Rendered:
        """Render the chart with these values, which must succeed."""
        done = self.run(
            "template",
            release,
            str(CHART),
            f"--namespace={NAMESPACE}",
            f"--kube-version={kubernetes}",
            *argv,
            values=values,
        )
        assert done.returncode == 0, done.stderr
        return Rendered(done.stdout)

    def refusal(self, values: Values) -> str:
        """What is said about values that cannot be."""
        done = self.run("template", "kv", str(CHART), values=values)
        assert done.returncode != 0
        return done.stderr

    def notes(self, values: Values | None, *argv: str, namespace: str = "kube-system") -> str:
        """What the person who installs reads; ``argv`` leads to a cluster, which helm 3 wants to see for this."""
        argv = (
            "install",
            "kv",
            str(CHART),
            "--dry-run=client",
            "--disable-openapi-validation",
            f"--namespace={namespace}",
            *argv,
        )
        done = self.run(*argv, values=values)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("NOTES:\n")[2]
