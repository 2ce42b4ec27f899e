"""As much of an API server as helm needs to look up Secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.chart.chart import NAMESPACE, Object

# helm 4 asks where each kind that it rendered belongs.
KINDS = {
    "v1": {"secrets": "Secret", "services": "Service", "serviceaccounts": "ServiceAccount"},
    "apps/v1": {"deployments": "Deployment"},
    "cert-manager.io/v1": {"certificates": "Certificate", "issuers": "Issuer"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "apiregistration.k8s.io/v1": {"apiservices": "APIService"},
    "rbac.authorization.k8s.io/v1": {
        "roles": "Role",
        "rolebindings": "RoleBinding",
        "clusterroles": "ClusterRole",
        "clusterrolebindings": "ClusterRoleBinding",
    },
}

OWNED = {  # by the release, else helm 4 refuses to go on
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "kv", "meta.helm.sh/release-namespace": NAMESPACE},
}
LOOK_UP = ("--dry-run=server", "--disable-openapi-validation")  # lets ``helm template`` ask the cluster


@contextmanager
def cluster(secrets: Mapping[str, Mapping[str, bytes]], folder: Path) -> Iterator[str]:
    """The argument that leads helm to a cluster with these Secrets in the chart's namespace."""
    documents = dict(_documents(secrets))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path.partition("?")[0])
            body = json.dumps(found or {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            kubeconfig = folder / f"{server.server_port}.kubeconfig"
            kubeconfig.write_text(json.dumps(_kubeconfig(server.server_port)))
            yield f"--kubeconfig={kubeconfig}"
        finally:
            server.shutdown()
            thread.join()


def _documents(secrets: Mapping[str, Mapping[str, bytes]]) -> Iterator[tuple[str, Object]]:
    yield "/version", {"gitVersion": "v1.37.0", "major": "1", "minor": "37"}
    yield "/api", {"kind": "APIVersions", "versions": ["v1"]}
    yield (
        "/apis",
        {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(each) for each in KINDS if "/" in each]},
    )
    for version, kinds in KINDS.items():
        resources = [
            {
                "name": name,
                "kind": kind,
                "namespaced": "cluster" not in name and name != "apiservices",
                "verbs": ["get"],
            }
            for name, kind in kinds.items()
        ]
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        yield path, {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
    for name, data in secrets.items():
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        metadata = {"name": name, "namespace": NAMESPACE, **OWNED}
        secret = {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": encoded}
        yield f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}", secret


def _group(version: str) -> Object:
    named = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [named], "preferredVersion": named}


def _kubeconfig(port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
