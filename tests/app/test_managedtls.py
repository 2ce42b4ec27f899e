"""The serving certificate that the server makes for itself."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Sequence

import pytest
from tests.app.object_api import ObjectApi

from kubevitals.app.managedtls import ManagedCertificate, ServiceName
from kubevitals.errors import ApiStatusError
from kubevitals.simulator.kinds import API_SERVICES, SECRETS
from kubevitals.tls import managed, selfsigned

SERVICE = ServiceName("kube-system", "metrics-server")
NAMES = ("v1beta1.metrics.k8s.io", "v1.metrics.k8s.io")
DAY = 86400.0
EVERY = 60.0
FIRST = selfsigned.generate("0.0.0.0", 1_790_000_000.0)


class Clock:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api() -> ObjectApi:
    """An API server with what the manifests create: an empty Secret, and two APIServices that verify."""
    api = ObjectApi()
    api.registry.create(SECRETS, {"metadata": {"namespace": SERVICE.namespace, "name": SERVICE.secret}})
    for name in NAMES:
        spec = {
            "service": {"namespace": "kube-system", "name": "metrics-server", "port": 443},
            "group": "metrics.k8s.io",
        }
        api.registry.create(API_SERVICES, {"metadata": {"name": name}, "spec": spec})
    return api


def replica(api: ObjectApi, clock: Clock) -> ManagedCertificate:
    return ManagedCertificate(api, SERVICE, FIRST, clock, EVERY)


def bundles(api: ObjectApi) -> list[bytes]:
    found = [api.registry.get(API_SERVICES, name)["spec"].get("caBundle", "") for name in NAMES]
    return [base64.b64decode(text) for text in found]


def secret(api: ObjectApi) -> dict[str, bytes]:
    data = api.registry.get(SECRETS, SERVICE.secret, SERVICE.namespace).get("data") or {}
    return {key: base64.b64decode(text) for key, text in data.items()}


def trusted(shown: ManagedCertificate, bundle: bytes, clock: Clock) -> bool:
    """Tell whether an API server with this caBundle takes what is shown."""
    authority = managed.Authority(bundle, b"")
    return managed.valid(shown.pair, authority, clock.now)


async def test_an_empty_secret_becomes_a_certificate_that_the_api_server_trusts(api: ObjectApi, clock: Clock) -> None:
    """After one look; the certificate is for the name that the API server verifies, in a chain that OpenSSL takes."""
    shown = replica(api, clock)
    await shown.settle()
    assert shown.reload()
    assert not shown.reload()
    assert bundles(api) == [secret(api)["ca.crt"]] * 2
    assert trusted(shown, bundles(api)[0], clock)
    assert managed.fits(shown.pair, managed.Authority(bundles(api)[0], b""), SERVICE.host_names)
    assert SERVICE.host_names[0] == "metrics-server.kube-system.svc"
    assert set(secret(api)) == {"ca.crt", "ca.key", "tls.crt", "tls.key"}
    assert handshake(shown, bundles(api)[0], SERVICE.host_names[0])


def handshake(shown: ManagedCertificate, bundle: bytes, name: str) -> bool:
    """Let OpenSSL, which knows nothing of simulated time, verify what is shown; the certificate must be valid today."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cadata=bundle.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    shown.pair.load_into(server)
    ends = [ssl.MemoryBIO() for _ in range(4)]
    one = client.wrap_bio(ends[0], ends[1], server_hostname=name)
    two = server.wrap_bio(ends[2], ends[3], server_side=True)
    for _ in range(4):
        for each in (one, two):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                pass
            ends[2].write(ends[1].read())
            ends[0].write(ends[3].read())
    return one.version() is not None


async def test_replicas_show_the_same(api: ObjectApi, clock: Clock) -> None:
    """Whichever comes first makes it; one that was overtaken takes what is there."""
    one, two = replica(api, clock), replica(api, clock)
    api.meanwhile = lambda: run_now(one)
    await two.settle()
    await one.settle()
    assert one.pair == two.pair
    assert trusted(one, bundles(api)[0], clock)


def run_now(shown: ManagedCertificate) -> None:
    """Let a replica take all its steps at once, between two of another one."""
    try:
        shown.settle().send(None)
    except StopIteration:
        pass


async def test_a_settled_one_writes_nothing(api: ObjectApi, clock: Clock) -> None:
    """Looking is reading."""
    shown = replica(api, clock)
    await shown.settle()
    before = api.writes
    for _ in range(5):
        clock.now += EVERY
        await shown.settle()
    assert api.writes == before
    assert shown.reload()
    assert not shown.reload()


async def test_the_certificate_is_renewed_at_two_thirds_of_its_life(api: ObjectApi, clock: Clock) -> None:
    """By the same authority, so that nobody has to be told."""
    shown = replica(api, clock)
    await shown.settle()
    first, bundle = shown.pair, bundles(api)
    clock.now += 240 * DAY
    await shown.settle()
    assert shown.pair == first
    clock.now += 5 * DAY
    await shown.settle()
    assert shown.pair != first
    assert bundles(api) == bundle
    assert trusted(shown, bundle[0], clock)


async def test_a_new_authority_is_trusted_before_it_signs(api: ObjectApi, clock: Clock) -> None:
    """Whatever an API server had read when, what was shown at that time was trusted by it, and is still."""
    shown = replica(api, clock)
    await shown.settle()
    slow = bundles(api)[0]  # what an API server has in mind that reads each change one look late
    authorities = {slow}
    for _ in range(40):
        clock.now += 89 * DAY  # so often that no certificate ends unseen
        for _ in range(3):
            await shown.settle()
            assert trusted(shown, bundles(api)[0], clock)
            assert trusted(shown, slow, clock)
            slow = bundles(api)[0]
            authorities.add(slow)
            clock.now += EVERY
    assert len(authorities) >= 2


async def test_without_the_right_to_publish_no_new_authority_signs(api: ObjectApi, clock: Clock) -> None:
    """The certificate that is trusted is shown for as long as it lasts."""
    shown = replica(api, clock)
    await shown.settle()
    bundle = bundles(api)[0]
    clock.now += 2500 * DAY
    replaced = managed.issue(
        managed.read_authority(secret(api)["ca.crt"], secret(api)["ca.key"]), SERVICE.host_names, clock.now
    )
    write(api, {"tls.crt": replaced.chain, "tls.key": replaced.key})

    async def forbidden(path: str) -> bytes:
        if "apiservices" in path:
            raise ApiStatusError(403, "Forbidden", "not yours")
        return await ObjectApi.get(api, path)

    api.get = forbidden  # type: ignore[method-assign]
    for _ in range(5):
        await shown.settle()
        clock.now += EVERY
    assert shown.pair == replaced
    assert trusted(shown, bundle, clock)


def write(api: ObjectApi, changes: dict[str, bytes]) -> None:
    found = api.registry.get(SECRETS, SERVICE.secret, SERVICE.namespace)
    data = found["data"] | {key: base64.b64encode(value).decode() for key, value in changes.items()}
    api.registry.update(SECRETS, {**found, "data": data})


async def test_an_apiservice_of_somebody_else_is_left_alone(
    api: ObjectApi, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names whom it points to, once."""
    other = api.registry.get(API_SERVICES, NAMES[0])
    service = {"namespace": "monitoring", "name": "prometheus-adapter"}
    api.registry.update(API_SERVICES, {**other, "spec": other["spec"] | {"service": service}})
    shown = replica(api, clock)
    for _ in range(3):
        await shown.settle()
    assert bundles(api) == [b"", secret(api)["ca.crt"]]
    said: Sequence[str] = [
        str(r.__dict__) for r in caplog.records if r.getMessage() == "An APIService is another provider's"
    ]
    assert len(said) == 1
    assert "monitoring/prometheus-adapter" in said[0]


async def test_verification_begins_when_the_provider_before_has_gone(api: ObjectApi, clock: Clock) -> None:
    """metrics-server's APIService skips it; while its pods may still answer, it goes on doing so."""
    taken = api.registry.get(API_SERVICES, NAMES[0])
    api.registry.update(API_SERVICES, {**taken, "spec": taken["spec"] | {"insecureSkipTLSVerify": True}})
    shown = replica(api, clock)
    await shown.settle()
    clock.now += EVERY
    await shown.settle()
    assert bundles(api) == [b"", secret(api)["ca.crt"]]
    clock.now += EVERY
    await shown.settle()
    assert bundles(api) == [secret(api)["ca.crt"]] * 2
    assert "insecureSkipTLSVerify" not in api.registry.get(API_SERVICES, NAMES[0])["spec"]


async def test_a_bundle_that_somebody_removed_is_written_again(api: ObjectApi, clock: Clock) -> None:
    """As after kubectl replace of the manifest."""
    shown = replica(api, clock)
    await shown.settle()
    found = api.registry.get(API_SERVICES, NAMES[0])
    spec = {key: value for key, value in found["spec"].items() if key != "caBundle"}
    api.registry.update(API_SERVICES, {**found, "spec": spec})
    await shown.settle()
    assert bundles(api) == [secret(api)["ca.crt"]] * 2


@pytest.mark.parametrize("damage", [{"ca.key": b"none"}, {"tls.crt": b"none"}, {"ca.crt": b""}])
async def test_a_damaged_secret_is_told_and_what_is_shown_stays(
    api: ObjectApi, clock: Clock, damage: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """One ERROR for as long as it lasts: someone must act."""
    shown = replica(api, clock)
    await shown.settle()
    before = shown.pair
    write(api, damage)
    for _ in range(3):
        await shown.settle()
    assert shown.pair == before
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert "remove its data" in str(errors[0].__dict__)


async def test_a_missing_secret_is_told(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """With the command that creates it; meanwhile the server answers with what it had at first."""
    shown = replica(ObjectApi(), clock)
    await shown.settle()
    assert shown.pair == FIRST
    assert "kubectl -n kube-system create secret generic metrics-server-tls" in str(
        [record.__dict__ for record in caplog.records if record.levelname == "ERROR"]
    )
