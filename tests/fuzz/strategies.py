"""What hypothesis makes up of the parts that real input has: bodies, watches, requests, selectors, headers."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from tests.odd import words

# --- watches ------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "name", "labels", "status", "conditions", "addresses", "code", "reason", "details"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_META = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "z", "é", ""])},
    optional={
        "namespace": st.sampled_from(["ns", "", None]),
        "labels": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2) | _JSON,
        "annotations": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        "resourceVersion": st.text(max_size=3),
    },
)
_STATUS = st.fixed_dictionaries(
    {},
    optional={
        "daemonEndpoints": st.integers().map(lambda port: {"kubeletEndpoint": {"Port": port}}),
        "capacity": st.dictionaries(st.sampled_from(["cpu", "memory"]), st.text(max_size=5) | st.integers()),
    },
)
_OBJECTS = st.fixed_dictionaries({"metadata": _META}, optional={"status": _STATUS | _JSON})
LINES = st.builds(
    lambda kind, value: json.dumps({"type": kind, "object": value}).encode(),
    st.sampled_from(["ADDED", "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "?"]),
    _OBJECTS | _JSON,
)
_PLAIN = st.builds(
    lambda kind, name: b'{"type":"%b","object":{"metadata":{"name":"%b","namespace":"ns"}}}' % (kind, name),
    st.sampled_from([b"ADDED", b"MODIFIED", b"DELETED"]),
    st.sampled_from([b"a", b"b", b"z"]),
)
STREAMS = st.lists(
    _PLAIN | LINES | st.sampled_from([b"", b" ", b"{}", b"x" * 700]) | st.binary(max_size=20), max_size=5
).map(lambda lines: b"\n".join([*lines, b""]))

# --- requests -----------------------------------------------------------------------------------------------

_PARTS = st.sampled_from(words.PATHS) | st.sampled_from(words.SPLICES) | st.binary(max_size=5)
_TARGETS = st.tuples(st.sampled_from(words.PATHS), st.lists(_PARTS, max_size=2).map(b"".join)).map(b"".join)
_QUERIES = st.lists(
    st.tuples(st.sampled_from(words.OPTIONS), st.sampled_from(words.VALUES) | st.binary(max_size=5)).map(b"=".join),
    max_size=3,
).map(b"&".join)
_HEADERS = st.one_of(
    st.lists(st.sampled_from(words.ACCEPTS), min_size=1, max_size=3).map(lambda parts: b"Accept: " + b",".join(parts)),
    st.tuples(st.sampled_from(words.IDENTITIES), st.sampled_from(words.NAMES)).map(b": ".join),
    st.sampled_from(words.CREDENTIALS).map(lambda value: b"Authorization: " + value.replace(words.TOKEN, b"good")),
    st.sampled_from(words.LINES),
)
HEADS = st.builds(
    lambda method, target, query, lines: b"\n".join([method + b" " + target + b"?" + query, *lines]),
    st.just(b"GET") | st.sampled_from(words.METHODS),
    _TARGETS,
    _QUERIES,
    st.lists(_HEADERS, max_size=4),
)

# --- selectors ----------------------------------------------------------------------------------------------

SELECTORS = st.one_of(
    st.text(alphabet="abin/.-_=!<>(), \0\té0", max_size=25),
    st.text(alphabet="ab.=!,\\é ", max_size=20),
    st.lists(
        st.sampled_from(["a", "b/c", "in", "notin", "!", "=", "==", "!=", "<", ">", "(", ")", ",", " ", "1", "\\"]),
        max_size=12,
    ).map("".join),
)

# --- lines of headers ---------------------------------------------------------------------------------------

_HEADER_NAMES = st.one_of(
    st.sampled_from(["X-Remote-User", "x-remote-user", "X-Forwarded-User", "X_Remote_User", "X-Remote-Group",
                     "x-remote-group", "X_Remote_Group", "X-Forwarded-Groups", "X-Remote-Extra-a", "X-Remote-Extra-%41",
                     "X-Remote-Extra-a%ff", "X-Remote-Extra-", "X-Remote-Uid", "Authorization", "Impersonate-Group"]),
    st.text(max_size=12),
)  # fmt: skip
_HEADER_VALUES = st.one_of(
    st.sampled_from(["system:masters", "system:admin", "system:anonymous", "system:authenticated", "a,system:masters",
                     "Bearer good", "Bearer  good", "Bearer x", "", "\udcff"]),
    st.text(max_size=12),
)  # fmt: skip
HEADER_LINES = st.lists(st.tuples(_HEADER_NAMES, _HEADER_VALUES), max_size=8)
