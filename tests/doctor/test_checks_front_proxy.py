"""Why the API server's front proxy is not believed: told by a log, a TLS alert, or the dates of its authority."""

from __future__ import annotations

import contextlib
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.doctor.clinic import printed, same_as_golden
from tests.doctor.kubelets import EXPIRED, NO_SAN, failing, klog, upstream
from tests.doctor.seen import NOW, PROVIDER, api_service, found, healthy
from tests.doctor.test_checks_provider import CLUSTER_IP, GONE, POD_IP, TIMEOUT, published
from tests.doctor.test_checks_provider import failing as unavailable

from kubevitals.doctor.evidence import Evidence
from kubevitals.doctor.report import examine
from kubevitals.simulator import pki

OVER = (
    "x509: certificate has expired or is not yet valid: current time 2027-01-15T08:00:00Z is after 2026-12-01T00:00:00Z"
)
STRANGE = "x509: certificate signed by unknown authority"
SERVING = "x509: certificate specifies an incompatible key usage"
HEAD = "E0115 08:00:00.000000       1 authentication.go:73] "
EXPIRED_ALERT = 'Get "{url}": remote error: tls: expired certificate'


def refusal(*why: str) -> str:
    """A line of metrics-server, which tries both of its authorities."""
    said = f"[{why[0]}, verifying certificate SN=5, SKID=, AKID= failed: {why[-1]}]"
    return f'{HEAD}"Unable to authenticate the request" err="{said}"\n'


def old_refusal(why: str) -> str:
    """The same of metrics-server before 0.5."""
    return f"{HEAD}Unable to authenticate the request due to an error: [{why}, {STRANGE}]\n"


def own_refusal(why: str) -> str:
    """The same of kubevitals."""
    cause = f"the caller's certificate was refused: {why}"
    return f'W0115 08:00:00.000000 1 adapters.py:122] "A caller\'s TLS handshake failed" cause="{cause}"\n'


def answers_401(log: str) -> Evidence:
    """Metrics-server answers 401, and its log tells why."""
    return unavailable("bad status from {url}: 401", logs={PROVIDER: log})


def alert(name: str) -> Evidence:
    """What ends the handshake, as kubevitals does, and the API server's words for it."""
    return unavailable(f'Get "{{url}}": remote error: tls: {name}', logs={PROVIDER: ""})


def cut_off(said: str, why: str) -> Evidence:
    """The same where no alert gets through, as with a server on asyncio; the log of kubevitals has the reason."""
    return unavailable(f'Get "{{url}}": {said}', logs={PROVIDER: own_refusal(why)})


def authority(*days: float) -> str:
    """Certificates of authorities that are valid until so many days from now, as PEM."""
    return "".join(map(_authority, days))


def _authority(days: float) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front-proxy-ca")])
    until = datetime.fromtimestamp(NOW, UTC) + timedelta(days=days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = builder.not_valid_before(until - timedelta(days=3650)).not_valid_after(until).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode()


ROWS = {
    "D12": lambda: answers_401(refusal(OVER)),
    "D13": lambda: answers_401(refusal(SERVING, STRANGE)),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_told(row):
    """What a person reads of it, letter by letter, and that nothing else is found."""
    evidence = ROWS[row]()
    assert list(found(evidence)) == [row]
    assert same_as_golden(row, printed(examine(evidence)))


@pytest.mark.parametrize(
    ("evidence", "row"),
    [
        (answers_401(old_refusal(OVER)), "D12"),
        (answers_401(own_refusal("certificate has expired")), "D12"),
        (alert("expired certificate"), "D12"),
        (answers_401(refusal(STRANGE, SERVING)), "D13"),
        (answers_401(own_refusal("unsuitable certificate purpose")), "D13"),
        (alert("unsupported certificate"), "D13"),
        (answers_401(refusal(STRANGE, STRANGE)), "D11"),
        (answers_401(""), "D11"),
        (answers_401(refusal(OVER) + refusal(STRANGE)), "D11"),  # the newest line counts
        (cut_off("EOF", "certificate has expired"), "D12"),
        (cut_off("EOF", "unsuitable certificate purpose"), "D13"),
        (cut_off("EOF", "unable to get local issuer certificate"), "D11"),
        (
            cut_off("read tcp 10.0.0.1:5->10.0.0.2:443: read: connection reset by peer", "self-signed certificate"),
            "D11",
        ),
        (alert("unknown certificate authority"), "D11"),
        (alert("unknown certificate"), "D11"),
        (alert("bad certificate"), "D11"),
        (alert("error decrypting message"), "D11"),
    ],
)
def test_how_it_is_said(evidence, row):
    """Whoever says it, and in whose words, it is one row, and no other."""
    assert list(found(evidence)) == [row]
    assert found(evidence)[row].level == "broken"


def test_a_provider_that_ends_the_handshake():
    """D11 says so, and quotes no line of a log that is about somebody else."""
    finding = found(alert("unknown certificate authority"))["D11"]
    assert "ends the API server's connections" in finding.summary
    assert len(finding.evidence) == 1


GO = {  # the names of crypto/tls for what the ssl module names so
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "expired certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "unsupported certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "unknown certificate authority",
}


@pytest.mark.parametrize(("whose", "row"), [("expired", "D12"), ("serving", "D13"), ("stranger", "D11")])
def test_the_alerts_of_a_server_in_python(whose, row):
    """A front proxy's certificate that is refused in a real handshake is told by what the client then hears of it."""
    known, other = (pki.Authority(name, now=time.time) for name in ("front-proxy-ca", "other"))
    shown = {
        "expired": known.client("front-proxy-client", lifetime=-60.0),
        "serving": known.serving("front-proxy-client", ["localhost"]),
        "stranger": other.client("front-proxy-client"),
    }[whose]
    serving = pki.serving_context(other.serving("provider", ["localhost"]), client_ca=known.pem)
    heard = _heard(pki.client_context(b"", shown), serving)
    assert list(found(alert(GO[heard]))) == [row]


def _heard(ours: ssl.SSLContext, theirs: ssl.SSLContext) -> str:
    """The alert that a client gets from a server."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(back, there, server_hostname="localhost")
    server = theirs.wrap_bio(there, back, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(client, server)
    with pytest.raises(ssl.SSLError) as caught:
        client.read(1)
    return caught.value.reason


def _shake_hands(client: ssl.SSLObject, server: ssl.SSLObject) -> None:
    for _ in range(4):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()


# --- the authority itself -----------------------------------------------------------------------------------


def test_an_authority_that_has_expired():
    """D12 says until when it was valid, and how to make another, which kubeadm does not renew."""
    pem = authority(-1)
    evidence = unavailable(EXPIRED_ALERT, published=published(requestheader_client_ca_file=pem))
    finding = found(evidence)["D12"]
    assert "authority of the API server's front proxy has expired" in finding.summary
    assert any("CN=front-proxy-ca is valid from 2017-01-16 until 2027-01-14" in line for line in finding.evidence)
    assert "kubeadm init phase certs front-proxy-ca" in finding.remedies[0].command


def test_an_authority_that_has_expired_unnoticed():
    """Connections that are held open still work, so that it is no more than degraded."""
    evidence = healthy(published=published(requestheader_client_ca_file=authority(-1)))
    assert {row: finding.level for row, finding in found(evidence).items()} == {"D12": "degraded"}


@pytest.mark.parametrize(
    "pem",
    ["PEM", "", authority(1), authority(-1, 1), authority(-1)[:100]],
    ids=["none", "empty", "good", "one good", "cut off"],
)
def test_an_authority_that_is_good_or_cannot_be_read(pem):
    """One good authority beside an old one is what a rotation looks like."""
    assert found(healthy(published=published(requestheader_client_ca_file=pem))) == {}


# --- near misses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evidence",
    [
        healthy(logs={PROVIDER: refusal(OVER)}),  # somebody else, or long ago
        healthy(logs={PROVIDER: refusal(SERVING)}),
        healthy(api_services=[api_service(status="Unknown", reason="", message="")]),
    ],
)
def test_a_front_proxy_that_is_believed(evidence):
    """While the API server gets answers, lines about callers are about others."""
    assert not {"D11", "D12", "D13"} & found(evidence).keys()


def test_a_token_that_has_expired_is_no_certificate():
    """Tokens are refused in the same words."""
    line = f'{HEAD}"Unable to authenticate the request" err="[invalid bearer token, token has expired]"\n'
    assert list(found(answers_401(line))) == ["D11"]


def test_a_kubelets_expired_certificate_is_another_row():
    """D22 is of lines about nodes and D12 of lines about callers, and neither takes the other's."""
    callers = healthy(**upstream(logs={PROVIDER: refusal(OVER)}, node_metrics=[]))
    assert "D22" not in found(callers)
    assert list(found(failing(EXPIRED))) == ["D22"]
    both = answers_401(klog("node-2", EXPIRED) + refusal(STRANGE))
    assert "D12" not in found(both)
    assert "D11" in found(both)


@pytest.mark.parametrize("said", [TIMEOUT, 'Get "{url}": EOF', "bad status from {url}: 503"])
def test_what_is_no_refusal_is_not_explained_by_the_log(said):
    """A line about a caller does not tell why an address is not reached."""
    evidence = unavailable(said, logs={PROVIDER: refusal(OVER)})
    assert not {"D11", "D12", "D13"} & found(evidence).keys()


def test_the_kubelet_that_answers_in_its_place():
    """D10 goes first: that 401 is not the provider's."""
    evidence = unavailable("bad status from {url}: 401", "192.168.1.1", logs={PROVIDER: refusal(OVER)})
    assert "D10" in found(evidence)
    assert not {"D11", "D12", "D13"} & found(evidence).keys()


def test_the_server_itself_is_not_refused_for_another_alert():
    """An alert that is not about the certificate is left to D40."""
    for address in (POD_IP, CLUSTER_IP):
        evidence = unavailable('Get "{url}": remote error: tls: internal error', address, node_metrics=GONE)
        assert list(found(evidence)) == ["D40"]
    assert NO_SAN not in str(found(alert("bad certificate")))
