"""kube.client: requests to the API server, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from contextlib import asynccontextmanager, suppress

import pytest
import trustme
from aiohttp import web

from kubevitals.errors import ApiServerError, ApiStatusError, ApiUnreachable, ConfigError
from kubevitals.kube.client import LONGEST_LINE, ApiClient
from kubevitals.kube.config import ClusterConfig
from kubevitals.kube.credentials import ClientCertificate, NoCredentials, StaticToken, TokenFile
from kubevitals.kube.files import FileContent, FixedContent

STATUS = '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"%s","reason":"%s","code":%d}'


def client(server, **fields):
    """A client that trusts nobody yet, with short time limits."""
    return ApiClient(ClusterConfig(server.url, **fields), timeout=5)


@asynccontextmanager
async def raw_server(handle):
    """A server that speaks bytes; ``handle`` gets reader, writer, and the number of the connection."""
    connections = 0

    async def count(reader, writer):
        nonlocal connections
        connections += 1
        try:
            await handle(reader, writer, connections)
        finally:
            writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


# --- what is asked ------------------------------------------------------------------------------------------


async def test_a_get_sends_what_it_is_told(serve, answer):
    """Query, Accept, token, user agent and repeated impersonation headers; the URL's own path stays in front."""
    headers = (("Impersonate-User", "bob"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b"))
    async with serve(answer("body")) as server:
        config = ClusterConfig(f"{server.url}/k8s/c-1", StaticToken("abc"), impersonate=headers)
        async with ApiClient(config, user_agent="kubevitals/1") as api:
            body = await api.get("/api/v1/pods", [("fieldSelector", "a=b,c"), ("limit", "5")], accept="x/y")
        asked = server.requests[0]

    assert body == b"body"
    assert asked.path_qs == "/k8s/c-1/api/v1/pods?fieldSelector=a%3Db%2Cc&limit=5"
    assert [asked.headers[name] for name in ("Accept", "Authorization", "User-Agent", "Impersonate-User")] == [
        "x/y",
        "Bearer abc",
        "kubevitals/1",
        "bob",
    ]
    assert asked.headers.getall("Impersonate-Group") == ["a", "b"]


async def test_a_post_sends_json(serve, answer):
    """Reviews are the only thing that is posted."""
    async with serve(answer("{}", 201)) as server, client(server) as api:
        body = await api.post("/apis/x", b'{"a":1}')

    assert (body, server.bodies, server.requests[0].content_type) == (b"{}", [b'{"a":1}'], "application/json")


async def test_compressed_bodies_are_unpacked(serve, answer):
    """The API server compresses large lists."""
    packed = answer(gzip.compress(b"x" * 1000), Content_Encoding="gzip")
    async with serve(packed) as server, client(server) as api:
        body = await api.get("/")

    assert (body, "gzip" in server.requests[0].headers["Accept-Encoding"]) == (b"x" * 1000, True)


async def test_a_body_can_be_read_in_pieces(serve):
    """Large lists never lie in memory whole."""

    async def pieces(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10):
            await response.write(b"x" * 100_000)
        return response

    async with serve(pieces) as server, client(server) as api, api.chunks("/") as chunks:
        sizes = [len(chunk) async for chunk in chunks]

    assert (sum(sizes), max(sizes) < 1_000_000) == (1_000_000, True)


async def test_every_request_is_counted(serve, answer):
    """By code, method and host; ``<error>`` where there was no answer."""
    counted = []
    async with serve(answer("x"), answer("no", 403)) as server:
        config = ClusterConfig(server.url)
        async with ApiClient(config, count=lambda *labels: counted.append(labels)) as api:
            await api.get("/")
            with pytest.raises(ApiStatusError):
                await api.post("/", b"{}")
            host = server.url.removeprefix("http://")
    async with ApiClient(config, count=lambda *labels: counted.append(labels)) as api:
        with pytest.raises(ApiUnreachable):
            await api.get("/")

    assert counted == [("200", "GET", host), ("403", "POST", host), ("<error>", "GET", host)]


async def test_every_request_but_a_stream_is_timed(serve, answer):
    """By method and host, whatever became of it; a stream lasts as long as it lasts."""
    timed = []
    async with serve(answer("x"), answer("no", 403), answer("x"), answer("x\n")) as server:
        config = ClusterConfig(server.url)
        async with ApiClient(config, timed=lambda *labels: timed.append(labels)) as api:
            await api.get("/")
            with pytest.raises(ApiStatusError):
                await api.post("/", b"{}")
            async with api.chunks("/") as chunks:
                assert [chunk async for chunk in chunks] == [b"x"]
            async with api.lines("/") as lines:
                assert [line async for line in lines] == [b"x"]
            host = server.url.removeprefix("http://")

    assert [(method, to) for method, to, _ in timed] == [("GET", host), ("POST", host), ("GET", host)]
    assert all(0 < seconds < 5 for _, _, seconds in timed)


async def test_connections_are_bounded(serve):
    """More requests than connections wait for their turn."""
    running = most = 0
    release = asyncio.Event()

    async def slow(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            release.set()
        await release.wait()
        running -= 1
        return web.Response()

    async with (
        serve(slow) as server,
        ApiClient(ClusterConfig(server.url), connections=2) as api,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(6):
            tasks.create_task(api.get("/"))

    assert most == 2


# --- refusals -----------------------------------------------------------------------------------------------


async def test_a_refused_token_is_renewed_and_sent_once_more(serve, answer, tmp_path, clock):
    """A token that was rotated a moment ago is no failure."""
    path = tmp_path / "token"
    path.write_text("old")
    credentials = TokenFile(path, clock)
    path.write_text("new")
    async with serve(answer("no", 401), answer("yes")) as server, client(server, credentials=credentials) as api:
        body = await api.get("/")

    assert body == b"yes"
    assert [asked.headers["Authorization"] for asked in server.requests] == ["Bearer old", "Bearer new"]


async def test_the_same_token_is_not_sent_again(serve, answer):
    """Where nothing can be renewed a 401 is final."""
    async with serve(answer(STATUS % ("who?", "Unauthorized", 401), 401)) as server, client(server) as api:
        with pytest.raises(ApiStatusError) as caught:
            await api.get("/")

    assert (caught.value.code, caught.value.message, len(server.requests)) == (401, "who?", 1)


async def test_a_token_is_renewed_only_once(serve, answer):
    """An API server that refuses whatever it is shown is asked twice, not for ever."""

    class Restless(NoCredentials):
        async def refresh(self):
            return True

    async with serve(answer("no", 401)) as server, client(server, credentials=Restless()) as api:
        with pytest.raises(ApiStatusError):
            await api.get("/")

    assert len(server.requests) == 2


async def test_a_watch_renews_its_token_too(serve, answer, tmp_path, clock):
    """Opening a stream follows the same rules."""
    path = tmp_path / "token"
    path.write_text("old")
    credentials = TokenFile(path, clock)
    path.write_text("new")
    async with (
        serve(answer("", 401), answer("line\n")) as server,
        client(server, credentials=credentials) as api,
        api.lines("/") as lines,
    ):
        assert [line async for line in lines] == [b"line"]


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ({"body": STATUS % ("no", "Forbidden", 403), "status": 403}, (403, "Forbidden", "no", None)),
        ({"body": "later", "status": 429, "Retry_After": "3"}, (429, "", "later", 3.0)),
        ({"body": "x" * 200_000, "status": 503, "Retry_After": "1"}, (503, "", "x" * 500, 1.0)),
        ({"body": "", "status": 302, "Location": "/elsewhere"}, (302, "", "", None)),
    ],
)
async def test_a_refusal_says_what_the_api_server_said(serve, answer, handler, expected):
    """Code, reason, message and Retry-After; a redirect is a refusal, for it would take the token elsewhere."""
    async with serve(answer(**handler)) as server, client(server) as api:
        with pytest.raises(ApiStatusError) as caught:
            await api.get("/")

    error = caught.value
    assert (error.code, error.reason, error.message, error.retry_after) == expected
    assert len(server.requests) == 1


# --- no answer ----------------------------------------------------------------------------------------------


async def test_a_refused_connection_is_named(unused_tcp_port):
    """Host and port are in the sentence."""
    url = f"https://127.0.0.1:{unused_tcp_port}"
    async with ApiClient(ClusterConfig(url)) as api:
        with pytest.raises(ApiUnreachable) as caught:
            await api.get("/")

    assert str(caught.value) == (
        f"cannot reach the API server at {url}: connection refused; "
        f"check that it runs and listens on port {unused_tcp_port}"
    )
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_an_api_server_that_does_not_answer_is_given_up(serve):
    """The time limit covers the whole request."""

    async def never(_):
        await asyncio.Event().wait()

    async with serve(never) as server, client(server) as api:
        with pytest.raises(ApiUnreachable, match="no answer in time; check firewalls"):
            await api.get("/", timeout=0.05)


async def test_a_body_cut_short_is_no_body():
    """Half a list must never be taken for the whole."""

    async def cut(reader, writer, _):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with raw_server(cut) as url, ApiClient(ClusterConfig(url)) as api:
        with pytest.raises(ApiUnreachable, match="closed before the answer was complete"):
            await api.get("/")


async def test_missing_credentials_are_no_answer(serve, answer):
    """An exec plugin that fails is told like any other reason for not reaching the API server."""

    class Broken(NoCredentials):
        async def authorization(self):
            raise ConfigError("exec plugin p failed")

    async with serve(answer("x")) as server, client(server, credentials=Broken()) as api:
        with pytest.raises(ApiUnreachable, match=r"no credentials for .*: exec plugin p failed"):
            await api.get("/")

    assert server.requests == []


async def test_credentials_that_cannot_be_renewed_leave_the_refusal(serve, answer):
    """The 401 is what happened; the failed renewal is in the log."""

    class Broken(NoCredentials):
        async def refresh(self):
            raise ConfigError("exec plugin p failed")

    async with serve(answer("x", 401)) as server, client(server, credentials=Broken()) as api:
        with pytest.raises(ApiStatusError, match="401"):
            await api.get("/")


async def test_a_post_survives_a_connection_that_died_while_kept():
    """The API server may close an idle connection just as it is used."""
    seen = []

    async def once(reader, writer, connection):
        for turn in range(2):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            seen.append((connection, turn))
            if (connection, turn) == (1, 1):
                return
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")

    async with raw_server(once) as url, ApiClient(ClusterConfig(url)) as api:
        bodies = [await api.post("/", b"{}"), await api.post("/", b"{}")]

    assert (bodies, seen) == ([b"ok", b"ok"], [(1, 0), (1, 1), (2, 0)])


async def test_an_api_server_that_never_answers_a_post_is_a_reset():
    """Reviews know by the cause that asking again may help."""

    async def close(reader, _, __):
        await reader.readuntil(b"\r\n\r\n")

    async with raw_server(close) as url, ApiClient(ClusterConfig(url)) as api:
        with pytest.raises(ApiUnreachable) as caught:
            await api.post("/", b"{}")

    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_it_recovers_when_the_api_server_comes_back(serve, answer):
    """The same client works again after an outage, on new connections."""
    async with serve(answer("before")) as server:
        port = int(server.url.rsplit(":", 1)[1])
        api = await client(server).__aenter__()
        before = await api.get("/")
    failures = 0
    for _ in range(3):
        try:
            await api.get("/")
        except ApiUnreachable:
            failures += 1
    async with serve(answer("after"), port=port):
        after = await api.get("/")
        await api.__aexit__(None, None, None)

    assert (before, failures, after) == (b"before", 3, b"after")


async def test_an_object_is_replaced_as_json(serve, answer):
    """PUT sends the object, and returns what the API server made of it."""
    async with serve(answer("made")) as server, client(server) as api:
        assert await api.put("/x", b'{"a":1}') == b"made"
    assert (server.requests[0].method, server.bodies) == ("PUT", [b'{"a":1}'])
    assert server.requests[0].headers["Content-Type"] == "application/json"


async def test_proxies_of_the_environment_are_ignored(serve, answer, monkeypatch):
    """A proxy for the internet is no way to the API server; only proxy-url of the kubeconfig counts."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serve(answer("x")) as server, client(server) as api:
        assert await api.get("/") == b"x"


async def test_a_cancelled_request_closes_its_connection():
    """Nothing is left behind on either side."""
    closed = asyncio.Event()
    arrived = asyncio.Event()

    async def wait(reader, _, __):
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        assert await reader.read() == b""
        closed.set()

    async with raw_server(wait) as url, ApiClient(ClusterConfig(url)) as api:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(api.get("/"))
            await arrived.wait()
            task.cancel()
        async with asyncio.timeout(5):
            await closed.wait()

    assert task.cancelled()


# --- TLS ----------------------------------------------------------------------------------------------------


async def test_a_trusted_api_server_is_spoken_to(serve, answer, server_tls, authority):
    """With the cluster's authority, and without showing a certificate."""
    ca = FixedContent(authority.cert_pem.bytes())
    async with serve(answer("x"), tls=server_tls) as server, client(server, ca=ca) as api:
        assert await api.get("/") == b"x"

    assert server.peers == [{}] or server.peers == [None]


async def test_a_client_certificate_is_shown(serve, answer, server_tls, authority, client_pair):
    """As the kubeconfig's user says."""
    credentials = ClientCertificate(*map(FixedContent, client_pair))
    ca = FixedContent(authority.cert_pem.bytes())
    async with serve(answer("x"), tls=server_tls) as server, client(server, ca=ca, credentials=credentials) as api:
        await api.get("/")

    assert (("commonName", "jane"),) in server.peers[0]["subject"]


async def test_an_unknown_authority_is_named(serve, answer, server_tls):
    """With what to give."""
    other = trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes()
    async with serve(answer("x"), tls=server_tls) as server, client(server, ca=FixedContent(other)) as api:
        with pytest.raises(ApiUnreachable, match=r"its certificate is not trusted .*certificate-authority"):
            await api.get("/")


async def test_verification_can_be_switched_off(serve, answer, server_tls):
    """insecure-skip-tls-verify, for those who ask for it."""
    async with serve(answer("x"), tls=server_tls) as server, client(server, insecure=True) as api:
        assert await api.get("/") == b"x"


async def test_another_server_name_can_be_verified(serve, answer, authority):
    """tls-server-name is sent as SNI and is what the certificate must hold."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("kubernetes.default").configure_cert(context)
    names = []
    context.sni_callback = lambda _, name, __: names.append(name)
    ca = FixedContent(authority.cert_pem.bytes())
    async with serve(answer("x"), tls=context) as server:
        async with client(server, ca=ca, server_name="kubernetes.default") as api:
            body = await api.get("/")
        async with client(server, ca=ca) as api:
            with pytest.raises(ApiUnreachable, match=r"not valid for 127\.0\.0\.1; .*tls-server-name"):
                await api.get("/")

    assert (body, names[0]) == (b"x", "kubernetes.default")


async def test_tls_to_a_plain_port_is_recognised(serve, answer):
    """A mistaken scheme has its own sentence."""
    async with serve(answer("x")) as server:
        url = server.url.replace("http:", "https:")
        async with ApiClient(ClusterConfig(url, insecure=True)) as api:
            with pytest.raises(ApiUnreachable, match="does not speak TLS"):
                await api.get("/")


async def test_a_new_authority_counts_for_new_connections(serve, answer, tmp_path, clock, server_tls, authority):
    """The cluster's authority is rotated while we run; no restart is needed."""
    path = tmp_path / "ca.crt"
    path.write_bytes(trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes())
    ca = FileContent(path, "ca", clock, every=10.0)
    async with serve(answer("x"), tls=server_tls) as server, client(server, ca=ca) as api:
        with pytest.raises(ApiUnreachable):
            await api.get("/")
        path.write_bytes(authority.cert_pem.bytes())
        clock.at += 10

        assert await api.get("/") == b"x"


async def test_unusable_authorities_are_no_answer(serve, answer, server_tls):
    """The sentence says what is wrong with them."""
    async with serve(answer("x"), tls=server_tls) as server, client(server, ca=FixedContent(b"no")) as api:
        with pytest.raises(ApiUnreachable, match="the certificate authority is no PEM certificate"):
            await api.get("/")


async def test_a_proxy_of_the_kubeconfig_is_used(serve, answer, server_tls, authority):
    """It only carries bytes: the TLS connection ends at the API server."""
    asked = []

    async def proxy(reader, writer, _):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n", 1)[0].decode())
        host, port = asked[-1].split()[1].rsplit(":", 1)
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pump(reader, upstream_writer))
            tasks.create_task(_pump(upstream_reader, writer))

    ca = FixedContent(authority.cert_pem.bytes())
    async with (
        serve(answer("x"), tls=server_tls) as server,
        raw_server(proxy) as url,
        client(server, ca=ca, proxy=url) as api,
    ):
        body = await api.get("/")

    assert (body, asked) == (b"x", [f"CONNECT {server.url.removeprefix('https://')} HTTP/1.1"])


async def _pump(reader, writer):
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()


async def test_a_proxy_that_refuses_is_named(unused_tcp_port):
    """A 407 is the proxy's answer, not the API server's."""

    async def refuse(reader, writer, _):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(refuse) as proxy:
        config = ClusterConfig(f"https://127.0.0.1:{unused_tcp_port}", insecure=True, proxy=proxy)
        async with ApiClient(config) as api:
            with pytest.raises(ApiUnreachable, match="the proxy answered 407"):
                await api.get("/")


# --- streams ------------------------------------------------------------------------------------------------


def stream(*chunks, then=None):
    async def handle(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then is not None:
            await then(request)
        return response

    return handle


async def test_lines_arrive_whole(serve):
    """However they were cut; a line may be larger than any buffer of the HTTP library."""
    long = b"x" * 3_000_000
    async with (
        serve(stream(b"one\ntw", b"o\n", long + b"\n")) as server,
        client(server) as api,
        api.lines("/") as lines,
    ):
        assert [line async for line in lines] == [b"one", b"two", long]

    assert server.requests[0].headers["Accept-Encoding"] == "identity"


async def test_a_line_without_end_is_given_up(serve):
    """Memory stays bounded, whatever the API server sends."""

    async def pour(request):
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(LONGEST_LINE // 65536 * 4):
                await response.write(b"x" * 65536)
        return response

    async with serve(pour) as server, client(server) as api, api.lines("/") as lines:
        with pytest.raises(ApiServerError, match="a line of more than 8388608 bytes"):
            await anext(lines)


async def test_a_silent_stream_ends(serve):
    """A connection may be dead without either side having been told; silence ends the stream quietly."""

    async def never(_):
        await asyncio.Event().wait()

    async with (
        serve(stream(b"one\n", then=never)) as server,
        client(server) as api,
        api.lines("/", idle=0.1) as lines,
    ):
        assert [line async for line in lines] == [b"one"]


async def test_a_broken_stream_is_an_error(serve):
    """What was complete before the break is given first."""

    async def cut(request):
        request.transport.abort()

    async with serve(stream(b"one\ntw", then=cut)) as server, client(server) as api, api.lines("/") as lines:
        assert await anext(lines) == b"one"
        with pytest.raises(ApiUnreachable, match="closed before the answer was complete"):
            await anext(lines)


async def test_waiting_for_a_line_can_be_given_up(serve):
    """No line is lost when the wait for it was cancelled."""
    release = asyncio.Event()

    async def late(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await release.wait()
        await response.write(b"one\n")
        return response

    async with serve(late) as server, client(server) as api, api.lines("/") as lines:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await anext(lines)
        release.set()

        assert await anext(lines) == b"one"


async def test_a_refused_watch_is_an_error_on_entry(serve, answer):
    """The reflector sees a 410 before the first line."""
    async with serve(answer(STATUS % ("too old", "Expired", 410), 410)) as server, client(server) as api:
        with pytest.raises(ApiStatusError, match="410 Expired: too old"):
            await api.lines("/").__aenter__()
