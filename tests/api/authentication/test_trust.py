"""Which authorities and headers are in force, from flags and from the ConfigMap, while both change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubevitals.api.authentication.certificates import CertificateRefused
from kubevitals.api.authentication.requestheader import proxied_user
from kubevitals.api.authentication.trust import ClientTrust, TrustFlags
from kubevitals.api.message import Headers, Request
from kubevitals.errors import ConfigError

KEYS = [
    "client-ca-file",
    "requestheader-client-ca-file",
    "requestheader-allowed-names",
    "requestheader-username-headers",
    "requestheader-group-headers",
    "requestheader-extra-headers-prefix",
]


@pytest.fixture(scope="module")
def client_ca(pki):
    return pki.Authority("kubernetes")


@pytest.fixture(scope="module")
def proxy_ca(pki):
    return pki.Authority("front-proxy-ca")


@pytest.fixture(scope="module")
def published(client_ca, proxy_ca):
    return {
        "client-ca-file": client_ca.pem.decode(),
        "requestheader-client-ca-file": proxy_ca.pem.decode(),
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-uid-headers": '["X-Remote-Uid"]',
    }


def _seen(trust):
    """Return everything that is in force, in a form that compares."""
    client, proxy = trust.current.client, trust.current.front_proxy
    names = (
        proxy.allowed_names, proxy.username_headers, proxy.group_headers, proxy.extra_prefixes, proxy.uid_headers,
    ) if proxy else ()  # fmt: skip
    return (client and client.authorities, proxy and proxy.pool.authorities, *names)


def _read(published, **flags):
    trust = ClientTrust(TrustFlags(**flags))
    trust.update_config_map(published)
    return trust


def test_everything_comes_from_the_config_map(published, client_ca, proxy_ca):
    """Without CA flags, the ConfigMap's seven keys are what is in force."""
    assert _seen(_read(published)) == (
        (client_ca.der,),
        (proxy_ca.der,),
        ("front-proxy-client",),
        ("X-Remote-User",),
        ("X-Remote-Group",),
        ("X-Remote-Extra-",),
        ("X-Remote-Uid",),
    )


def test_before_the_config_map_is_read_nothing_is_judged():
    """Until it was read there is no opinion about certificates, and callers are asked for them all the same."""
    trust = ClientTrust(TrustFlags())

    assert (trust.current.client, trust.current.front_proxy) == (None, None)
    assert (trust.asks, trust.loaded, trust.authorities) == (True, False, ())


def test_header_name_flags_are_ignored_without_their_ca(published):
    """The header names of the flags do not touch what the ConfigMap says."""
    flags = {"requestheader_username_headers": ("x-evil",), "requestheader_allowed_names": ("evil",)}

    assert _seen(_read(published, **flags)) == _seen(_read(published))


def test_request_header_ca_flag_replaces_every_request_header_key(pki, published, client_ca, tmp_path):
    """With the CA flag all request-header settings come from flags, the client CA still from the ConfigMap."""
    mine = pki.Authority("mine")
    (tmp_path / "ca.crt").write_bytes(mine.pem)

    trust = _read(published, requestheader_client_ca_file=str(tmp_path / "ca.crt"))

    assert _seen(trust) == (
        (client_ca.der,), (mine.der,), (), ("x-remote-user",), ("x-remote-group",), ("x-remote-extra-",), (),
    )  # fmt: skip
    assert trust.loaded


def test_client_ca_flag_replaces_the_client_key(pki, published, proxy_ca, tmp_path):
    """With the client CA flag the ConfigMap's client CA is not used; its request-header half is."""
    mine = pki.Authority("mine")
    (tmp_path / "ca.crt").write_bytes(mine.pem)

    seen = _seen(_read(published, client_ca_file=str(tmp_path / "ca.crt")))

    assert seen[:3] == ((mine.der,), (proxy_ca.der,), ("front-proxy-client",))


def test_keys_that_flags_replace_are_not_missed(pki, tmp_path, caplog):
    """A ConfigMap without the keys that flags replace is in order."""
    path = tmp_path / "ca.crt"
    path.write_bytes(pki.Authority().pem)
    for flag in ("client_ca_file", "requestheader_client_ca_file"):
        _read({}, **{flag: str(path)})

    assert ["requestheader-client" in record.pairs["about"] for record in caplog.records] == [True, False]


def test_skipped_lookup_uses_no_config_map(published):
    """With the lookup skipped and no CA flags nobody is identified by certificate, and nobody asked for one."""
    trust = _read(published, lookup=False)

    assert _seen(trust) == (None, None)
    assert (trust.asks, trust.loaded) == (False, True)


def test_missing_ca_file_stops_the_start(tmp_path):
    """A CA file that is named must be there, and hold something."""
    empty = tmp_path / "empty.crt"
    empty.write_bytes(b"")

    for path, cause in ((tmp_path / "none.crt", "No such file"), (empty, "empty")):
        with pytest.raises(ConfigError, match=cause):
            ClientTrust(TrustFlags(client_ca_file=str(path)))


def test_ca_file_is_read_again(pki, tmp_path):
    """A changed CA file is in force after the next look; a broken one leaves the last good one in force."""
    old, new = pki.Authority("old"), pki.Authority("new")
    path = tmp_path / "ca.crt"
    path.write_bytes(old.pem)
    changes = []
    trust = ClientTrust(TrustFlags(client_ca_file=str(path), lookup=False), on_change=lambda: changes.append(1))

    seen = []
    for content in (old.pem, b"junk", new.pem):
        path.write_bytes(content)
        trust.reload_files()
        seen.append(trust.authorities)
    path.unlink()
    trust.reload_files()

    assert ([*seen, trust.authorities], len(changes)) == ([(old.der,), (old.der,), (new.der,), (new.der,)], 1)


def test_everything_rotates_live(pki, published):
    """New authorities, names and headers replace the old ones at once, and the listener is told each time."""
    changes = []
    trust = ClientTrust(TrustFlags(), on_change=lambda: changes.append(trust.authorities))
    trust.update_config_map(published)
    client, proxy = pki.Authority("kubernetes"), pki.Authority("front-proxy-ca")

    trust.update_config_map(
        {
            "client-ca-file": client.pem.decode(),
            "requestheader-client-ca-file": proxy.pem.decode(),
            "requestheader-allowed-names": '["a","b"]',
            "requestheader-username-headers": '["X-U"]',
            "requestheader-group-headers": '["X-G"]',
            "requestheader-extra-headers-prefix": '["X-E-"]',
            "requestheader-uid-headers": '["X-I"]',
        }
    )

    assert _seen(trust) == ((client.der,), (proxy.der,), ("a", "b"), ("X-U",), ("X-G",), ("X-E-",), ("X-I",))
    assert (len(changes), changes[-1]) == (2, (client.der, proxy.der))


def test_same_config_map_changes_nothing(published):
    """Reading the same again keeps the pools, and what they remember."""
    changes = []
    trust = ClientTrust(TrustFlags(), on_change=lambda: changes.append(1))
    trust.update_config_map(published)
    before = trust.current
    trust.update_config_map(dict(published))

    assert (trust.current is before or trust.current == before, len(changes)) == (True, 1)


def test_deleted_config_map_keeps_everything(published, caplog):
    """What was published stays in force when the ConfigMap goes, and that is logged once."""
    trust = _read(published)
    before = _seen(trust)
    trust.update_config_map(None)
    trust.update_config_map(None)

    assert _seen(trust) == before
    assert [record.pairs["cause"] for record in caplog.records] == [
        "it was deleted; the last good value stays in force"
    ]


def test_config_map_that_does_not_exist_is_picked_up_later(published, caplog):
    """A cluster without the ConfigMap is reported once, keeps nobody waiting, and may get one later."""
    trust = ClientTrust(TrustFlags())
    trust.update_config_map(None)
    trust.update_config_map(None)

    assert (trust.loaded, [record.pairs["cause"] for record in caplog.records]) == (True, ["it does not exist"])
    trust.update_config_map(published)
    assert trust.current.front_proxy is not None


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("bad", [None, "", " \n", "junk", '{"a":1}', "[1]"])
def test_key_that_cannot_be_used_keeps_its_last_good_value(published, caplog, key, bad):
    """A key that is missing, empty or unreadable changes nothing; the log names it once, with a remedy."""
    trust = _read(published)
    before = _seen(trust)
    worse = {name: text for name, text in published.items() if name != key}
    if bad is not None:
        worse[key] = bad

    trust.update_config_map(worse)
    trust.update_config_map(worse)

    assert _seen(trust) == before
    (record,) = caplog.records
    assert key in record.pairs["about"]
    assert "last good value" in record.pairs["cause"]
    assert "kube-apiserver" in record.pairs["remedy"]


def test_uid_headers_are_dropped_when_they_are_no_longer_published(published):
    """An API server that stops publishing uid headers may be one that passes forged ones on."""
    trust = _read(published)
    trust.update_config_map({key: text for key, text in published.items() if "uid" not in key})

    assert trust.current.front_proxy.uid_headers == ()


def test_api_server_without_aggregation_is_reported_once(published, caplog):
    """Where no request-header authority is published, one line says so, and not one for every name."""
    trust = _read({"client-ca-file": published["client-ca-file"]})

    assert trust.current.front_proxy is None
    assert ["requestheader-client-ca-file" in record.pairs["about"] for record in caplog.records] == [True]


@pytest.mark.parametrize("names", [None, "", "[]", "null"])
def test_no_allowed_names_is_any_name(pki, published, proxy_ca, names):
    """A list that is missing or empty from the start allows every certificate of the authority."""
    data = {key: text for key, text in published.items() if key != "requestheader-allowed-names"}
    if names is not None:
        data["requestheader-allowed-names"] = names

    assert _user(pki, _read(data), proxy_ca.issue("anybody").chain) == "jane"


@pytest.mark.parametrize("names", ["junk", '"front-proxy-client"', "[1]"])
def test_allowed_names_that_were_never_readable_allow_nobody(pki, published, proxy_ca, names):
    """Not knowing which names are allowed refuses every one of them, until they can be read."""
    trust = _read(published | {"requestheader-allowed-names": names})
    chain = proxy_ca.issue("front-proxy-client").chain

    with pytest.raises(CertificateRefused, match="cannot be read"):
        _user(pki, trust, chain)
    trust.update_config_map(published)

    assert _user(pki, trust, chain) == "jane"


def test_empty_name_among_allowed_names_is_not_everybody(pki, published, proxy_ca):
    """A list with an empty name allows certificates without a name, and no others."""
    trust = _read(published | {"requestheader-allowed-names": '[""]'})

    with pytest.raises(CertificateRefused):
        _user(pki, trust, proxy_ca.issue("front-proxy-client").chain)


def _user(pki, trust, chain):
    request = Request("GET", "/", headers=Headers([("X-Remote-User", "jane")]), peer_chain=chain)
    return proxied_user(trust.current.front_proxy, request, pki.now).name


@pytest.mark.parametrize("kind", ["the same", "renewed", "intermediate"])
def test_shared_authority_without_allowed_names_is_refused_loudly(pki, published, client_ca, caplog, kind):
    """Where client certificates could pass for the front proxy's, nobody speaks for others, and an error says so."""
    other = {
        "the same": client_ca,
        "renewed": pki.Authority("kubernetes", key=client_ca.key),
        "intermediate": pki.Authority("clients", parent=client_ca),
    }[kind]
    shared = published | {
        "requestheader-client-ca-file": client_ca.pem.decode(),
        "client-ca-file": other.pem.decode(),
        "requestheader-allowed-names": "[]",
    }
    trust = _read(shared)
    trust.update_config_map(dict(shared))
    chain = client_ca.issue("front-proxy-client").chain

    with pytest.raises(CertificateRefused, match="could speak for everyone"):
        _user(pki, trust, chain)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "--requestheader-allowed-names" in caplog.records[0].pairs["remedy"]

    trust.update_config_map(shared | {"requestheader-allowed-names": '["front-proxy-client"]'})
    assert _user(pki, trust, chain) == "jane"


@given(st.dictionaries(st.sampled_from([*KEYS, "requestheader-uid-headers"]), st.text(max_size=20)))
def test_any_config_map_leaves_good_authorities_in_force(published, data):
    """No text in any key makes the server trust another authority, or forget a good one."""
    trust = _read(published)
    before = _seen(trust)[:2]
    trust.update_config_map(data)

    assert _seen(trust)[:2] == before
