"""What the programs that read the Metrics API send, header by header."""

from __future__ import annotations

from tests.conformance.wire import JSON, PROTOBUF, Line, accept

TABLE = ",".join(
    [
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
        "application/json",
    ]
)
DISCOVERY_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DISCOVERY_V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

GO_CLIENT = ("Accept-Encoding", "gzip")
PROBE: list[Line] = [("User-Agent", "Go-http-client/2.0"), GO_CLIENT]  # the availability check has no Accept
AGGREGATOR = ("User-Agent", "Go-http-client/1.1")


def kubectl(command: str, accepted: str, minor: int = 33) -> list[Line]:
    """What every request of a command of kubectl carries."""
    return [
        ("User-Agent", f"kubectl/v1.{minor}.1 (linux/amd64) kubernetes/8adc0f0"),
        accept(accepted),
        GO_CLIENT,
        ("Kubectl-Command", f"kubectl {command}"),
        ("Kubectl-Session", "1f4d8fa0-0a0c-4a7e-8a43-2d2f7b8f5f6e"),
    ]


TOP = kubectl("top", f"{PROTOBUF}, */*")
TOP_WITHOUT_PROTOBUF = kubectl("top", f"{JSON}, */*", 27)
GET = kubectl("get", TABLE)
GET_AS_JSON = kubectl("get", JSON)
GET_RAW = kubectl("get", f"{JSON}, */*")

AUTOSCALER: list[Line] = [
    (
        "User-Agent",
        "kube-controller-manager/v1.33.1 (linux/amd64) kubernetes/8adc0f0/system:serviceaccount:kube-system:"
        "horizontal-pod-autoscaler",
    ),
    accept(f"{PROTOBUF}, */*"),
]
# Every program that is built on the generated client of the Metrics API: k9s, the VPA, the descheduler.
GENERATED: list[Line] = [("User-Agent", "recommender/v1.5.1"), accept(f"{PROTOBUF},{JSON}"), GO_CLIENT]
DYNAMIC: list[Line] = [("User-Agent", "rancher/v2.13"), accept(JSON), GO_CLIENT]
BROWSER: list[Line] = [
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    accept("*/*"),
    ("Accept-Encoding", "gzip, deflate, br"),
]
