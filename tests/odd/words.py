"""What odd requests are made of: good, bad and hostile values for every part of a request."""

from __future__ import annotations

GROUP = b"/apis/metrics.k8s.io"
NODES, PODS = GROUP + b"/v1beta1/nodes", GROUP + b"/v1beta1/pods"
TOKEN = b"@TOKEN@"  # stands for a good token, which differs from run to run

PATHS = (
    NODES, PODS, NODES + b"/node-1", NODES + b"/nobody", GROUP + b"/v1beta1/namespaces/shop/pods",
    GROUP + b"/v1beta1/namespaces/shop/pods/cart-0", GROUP + b"/v1beta1/namespaces/none/pods/none",
    GROUP + b"/v1/nodes", GROUP + b"/v1/pods", GROUP, GROUP + b"/v1beta1", GROUP + b"/v1", GROUP + b"/v2/nodes",
    GROUP + b"/v1beta1/watch", GROUP + b"/v1beta1/watch/nodes", GROUP + b"/v1beta1/proxy", b"/api/v1/watch",
    b"/", b"/index.html", b"/apis", b"/apis/", b"/version", b"/metrics", b"/livez", b"/readyz", b"/healthz",
    b"/livez/ping", b"/readyz/metric-storage-ready", b"/openapi/v2", b"/openapi/v3",
    b"/openapi/v3/apis/metrics.k8s.io/v1beta1", b"/openapi/v3/none", b"/debug/pprof/", b"/api/v1/nodes", b"/nowhere",
)  # fmt: skip
SPLICES = (
    b"/", b"//", b"/./", b"/../", b"/..", b"%00", b"%2f", b"%2F", b"%2e%2e", b"%ff", b"%c3%28", b"%", b"%zz", b"%0d%0a",
    b"%ed%a0%80", b"\xff", b"\xc3\xa9", b"\x00", b"\x7f", b"\t", b" ", b"#", b"?", b";", b"@", b"\\", b"*", b"|", b'"',
    b"%25", b"%20", b"+", b":", b"[", b"%E2%80%AE", b"%1b[31m", b"%EF%BB%BF",
)  # fmt: skip
METHODS = (
    b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"Get", b"", b"FOO",
    b"PROPFIND", b"PRI", b"M-SEARCH", b"G\x00T", b"GET\t", b"G" * 5000, b"\xff\xfe", b"QUERY",
)  # fmt: skip
VERSIONS = (
    b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/11", b"HTTP/1.", b"http/1.1", b"HTTQ/1.1",
    b"", b"HTTP/1.1 x", b"HTTP/9999999999.1", b"HTTP/1.1\x00", b"RTSP/1.0", b"ICE/1.0",
)  # fmt: skip
OPTIONS = (
    b"labelSelector", b"fieldSelector", b"limit", b"continue", b"resourceVersion", b"resourceVersionMatch", b"watch",
    b"timeoutSeconds", b"timeout", b"pretty", b"export", b"includeObject", b"sendInitialEvents", b"allowWatchBookmarks",
    b"exact", b"dryRun", b"fieldManager", b"verbose", b"exclude", b"hash", b"name", b"", b"%00", b"%ff", b"LIMIT",
)  # fmt: skip
VALUES = (
    b"", b"0", b"1", b"-1", b"true", b"false", b"nonsense", b"%", b"%zz", b"%00", b"%ff", b"\xff", b"+", b"%20", b"a;b",
    b"9" * 30, b"9223372036854775808", b"-9223372036854775809", b"9" * 5000, b"1e9", b"0x10", b"%D9%A1", b"1_0",
    b"app%3Dcart", b"app+in+(cart,till)", b"app+notin+()", b"!app", b"app%3E1", b"a%3Db,", b",,,", b"app+in+(" * 50,
    b"((((", b"%21" * 500, b"metadata.name%3Dnode-1", b"metadata.name%3D..", b"metadata.name%3D%00",
    b"metadata.namespace!%3Dshop", b"spec.nodeName%3Dx", b"a%5C%3Db%3Dc", b"a%5C", b"%3D%3D%3D",
    b"metadata.name%3D" * 99,
    b"Exact", b"NotOlderThan", b"None", b"Metadata", b"Object", b"1s", b"-1s", b"1h", b"1ns", b"0s", b"1.5.5s", b"nan",
    b"9" * 400 + b"h", b"%C2%B5s", b"1%C2%B5s", b"inf", b"ping", b"%ed%a0%80", b"%F0%9F%92%A9", b"{}", b"%22", b"&&&=",
)  # fmt: skip
ACCEPTS = (
    b"*/*", b"application/json", b"application/yaml", b"application/vnd.kubernetes.protobuf", b"text/html", b"*", b"",
    b"application/*", b"application/json;as=Table;v=v1;g=meta.k8s.io", b"application/yaml;as=Table;v=v1;g=meta.k8s.io",
    b"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", b"application/json;stream=watch",
    b"application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", b"application/json;sv=v1",
    b"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", b"application/json;as=Table;v=v9;g=x",
    b"application/json;q=0", b"application/json;q=nan", b"application/json;q=inf", b"application/json;q=-1",
    b"application/json;q=1e400", b"*/*;q=0.8", b"a/b/c", b";;;", b",,,,", b"=;=", b"application/json;q", b"\xff/\xfe",
    b"application/json" + b";a=b" * 500, b",".join([b"a/b;q=0.5"] * 400), b"application/json; q=\"0.5\"", b"/",
    b"*/json",
    b"application/com.github.proto-openapi.spec.v2@v1.0+protobuf", b"application/openmetrics-text;version=1.0.0",
)  # fmt: skip
NAMES = (
    b"root", b"jane", b"", b" ", b"system:anonymous", b"\xff\xfe", b"\xc3\xa9", b"a" * 3000, b"<script>", b'a"b',
    b"a\\b",
    b"a%00b", b"\x7f", b"system:serviceaccount:a:b", b"a, b", b"%", b"\xed\xa0\x80", b"\xe2\x80\xae",
)  # fmt: skip
IDENTITIES = (
    b"X-Remote-User", b"X-Remote-Group", b"X-Remote-Extra-Scopes", b"X-Remote-Extra-%2f%zz", b"X-Remote-Extra-",
    b"X-Remote-Extra-\xff", b"X-Remote-Uid", b"X_Remote_User", b"x-remote-user", b"Impersonate-User",
    b"Impersonate-Group", b"Impersonate-Extra-a", b"Impersonate-Uid", b"Authorization", b"Proxy-Authorization",
    b"X-Forwarded-For", b"X-Forwarded-Client-Cert", b"Forwarded", b"Cookie", b"Audit-ID",
)  # fmt: skip
CREDENTIALS = (
    b"Bearer " + TOKEN, b"bearer " + TOKEN, b"Bearer  " + TOKEN, b"Bearer", b"Bearer ", b"Bearer a.b.c", b"Bearer \xff",
    b"Bearer " + b"t" * 70_000, b"Basic cm9vdDpyb290", b"Negotiate x", b"", b"Bearer a b", b"Bearer " + TOKEN + b"x",
    b"Bearer eyJhbGciOiJub25lIn0.e30.", b"Bearer %00", b"Digest username=\"", b"Bearer \xc3\xa9",
)  # fmt: skip
FRAMINGS: tuple[tuple[bytes, ...], ...] = (
    (b"Content-Length: 5",), (b"Content-Length: 0",), (b"Content-Length: 99999999",), (b"Content-Length: -1",),
    (b"Content-Length: +5",), (b"Content-Length: 0x5",), (b"Content-Length: 5, 5",), (b"Content-Length: ",),
    (b"Content-Length: 5", b"Content-Length: 5"), (b"Content-Length: 5", b"Content-Length: 6"),
    (b"Content-Length: " + b"9" * 40,), (b"Content-Length : 5",), (b"Content-Length: \xb2",), (b"Content-Length: 1_0",),
    (b"Transfer-Encoding: chunked",), (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    (b"Transfer-Encoding: chunked, chunked",), (b"Transfer-Encoding: gzip, chunked",),
    (b"Transfer-Encoding: identity",),
    (b"Transfer-Encoding: chunked, identity",), (b"Transfer-Encoding: xchunked",), (b"Transfer-Encoding:\x0bchunked",),
    (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), (b"Transfer-Encoding: ",), (b"TE: trailers",),
    (b"Expect: 100-continue", b"Content-Length: 5"),
    (b"Transfer-Encoding: CHUNKED", b"Trailer: X-Remote-User"), (b"Content-Encoding: gzip", b"Content-Length: 5"),
    (b"Content-Encoding: br", b"Transfer-Encoding: chunked"), (b"Content-Type: multipart/form-data",
    b"Content-Length: 5"),
)  # fmt: skip
BODIES = (
    b"", b"hello", b"{}", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhel", b"0\r\n\r\n", b"zz\r\nhello\r\n0\r\n\r\n",
    b"-5\r\nhello",
    b"5;ext=\"x\r\n\"\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"FFFFFFFFFFFFFFFFF\r\nx",
    b"0\r\nX-Remote-User: root\r\n\r\n",
    b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 100,
    b"x" * 300_000, b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n", b"0" * 3000 + b"5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"0\r\n" + b"X-Filler: x\r\n" * 500 + b"\r\n",
)  # fmt: skip
CONNECTIONS: tuple[tuple[bytes, ...], ...] = (
    (b"Connection: close",), (b"Connection: keep-alive",), (b"Connection: close, keep-alive",), (b"Connection: ",),
    (b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), (b"Upgrade: h2c",),
    (b"Connection: upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Version: 13"),
    (b"Connection: X-Remote-User",), (b"Connection: \xff",), (b"Proxy-Connection: keep-alive",),
    (b"Keep-Alive: max=1",),
    (b"Connection: Upgrade", b"Upgrade: SPDY/3.1"), (b"Expect: 100-continue",), (b"Expect: 200-ok",), (b"Expect: ",),
    (b"Connection: close", b"Connection: keep-alive"),
)  # fmt: skip
LINES = (
    b": no name", b"no colon", b"", b"X: a\r\n folded", b"X: a\r\n\tfolded", b" X: leading", b"X : space",
    b"X\x00: nul",
    b"X: \x00", b"X: a\rb", b"X: a\nX-Remote-User: root", b"X: \x7f\x01", b"X-\xff: y", b"X: " + b"y" * 20_000,
    b"X: \xff",
    b"Host: other", b"Host: ", b"Host: a b", b"Host: [::1", b"hOsT: \xff", b"Accept-Encoding: gzip",
    b"Range: bytes=0-1",
    b"Accept-Encoding: gzip;q=0", b"Accept-Encoding: br, gzip , *", b"Accept-Encoding: \xff", b"Accept-Encoding: ,,",
    b"If-None-Match: *", b'If-None-Match: "x", W/"y"', b"If-None-Match: \"", b"If-Modified-Since: nonsense",
    b"User-Agent: ",
    b"User-Agent: curl/8", b"User-Agent: kube-apiserver/x", b"User-Agent: \xff\x1b[31m", b"Origin: null", b"Via: 1.1 x",
    b"X-" + b"n" * 9000 + b": y", b"Date: now", b"Server: me", b"Audit-ID: \xff\xfe", b"Audit-ID: a b\tc",
    b"Cookie: a=b; c",
    b"Audit-ID: " + b"a" * 2000, b"(): x", b'"X": y', b"X-Request-Id: \xe2\x80\xae", b"Content-Type: \xff/;=",
    b"X-HTTP-Method-Override: DELETE", b"Last-Event-ID: 1", b"Sec-Fetch-Site: cross-site",
    b"Upgrade-Insecure-Requests: 1",
)  # fmt: skip
