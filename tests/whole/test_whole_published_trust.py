"""The ConfigMap with the authentication settings is spoiled in every way: what was good stays in force."""

from __future__ import annotations

import pytest
from tests.whole.callers import PODS
from tests.whole.waiting import eventually, watching
from tests.whole.world import POD_NAMES, STILL, YOUNG, World, serving, simulated

from kubevitals.simulator import roles
from kubevitals.simulator.kinds import CONFIG_MAPS
from kubevitals.simulator.rbac import MASTERS

NAME, NAMESPACE = "extension-apiserver-authentication", "kube-system"
WHERE = f"ConfigMap {NAMESPACE}/{NAME}"
TROUBLE, OVER = "Something needs attention", "A problem is over"
SPOILED = [
    ("client-ca-file", None),
    ("client-ca-file", "nonsense"),
    ("requestheader-client-ca-file", None),
    ("requestheader-client-ca-file", "nonsense"),
    ("requestheader-allowed-names", ""),
    ("requestheader-allowed-names", "nonsense"),
    ("requestheader-username-headers", None),
    ("requestheader-group-headers", "{}"),
]


@pytest.mark.parametrize(("key", "value"), SPOILED)
async def test_a_spoiled_key_keeps_its_last_good_value(still: World, key: str, value: str | None) -> None:
    """Callers are known as before, one line names the key, and another one says when it is over."""
    still.grant(roles.binding("jane-reads", "system:aggregated-metrics-reader", [roles.user("jane")]))
    cluster, master = still.cluster, still.master()
    good = cluster.registry.get(CONFIG_MAPS, NAME, NAMESPACE)["data"][key]
    async with watching(lambda: master.code(PODS)) as watched:
        still.publish(**{key: value})
        line = await still.log.line(TROUBLE)
        still.publish(**{key: value, "unrelated": "change"})
        await watched.more()
        assert await still.master().names(PODS) == POD_NAMES
        assert await still.direct(cluster.client("jane")).names(PODS) == POD_NAMES
        stranger = cluster.front_proxy.client("somebody-else")
        assert await still.proxied("root", [MASTERS], pair=stranger).code(PODS) == 401
        still.publish(**{key: good})
        await still.log.line(OVER, about=f"{WHERE}, key {key}")
    assert [answer for answer in watched.answers if answer != 200] == []
    assert line["about"] == f"{WHERE}, key {key}"
    assert "the last good value stays in force" in line["cause"]
    assert line["remedy"]
    [refused] = still.log.lines("A caller's certificate is refused")
    assert refused["cause"] == "x509: subject with cn=somebody-else is not in the allowed list"
    assert still.log.troubles() == [line, refused]


async def test_a_deleted_config_map_changes_nothing(still: World) -> None:
    """Callers are known as before; a line names the ConfigMap, and another one says that it is there again."""
    registry, master = still.cluster.registry, still.master()
    item = registry.get(CONFIG_MAPS, NAME, NAMESPACE)
    async with watching(lambda: master.code(PODS)) as watched:
        registry.delete(CONFIG_MAPS, NAME, NAMESPACE)
        line = await still.log.line(TROUBLE, about=WHERE)
        await watched.more()
        assert await still.master().names(PODS) == POD_NAMES
        registry.apply(CONFIG_MAPS, item)
        await still.log.line(OVER, about=WHERE)
    assert "it was deleted; the last good value stays in force" in line["cause"]
    assert [answer for answer in watched.answers if answer != 200] == []
    assert still.log.troubles() == [line]


async def test_a_config_map_without_its_keys_from_the_start_opens_nothing() -> None:
    """Where nothing was ever good nobody is known by certificate, one line per key says so, and it can be mended."""
    async with simulated(age=YOUNG) as cluster:
        item = cluster.registry.get(CONFIG_MAPS, NAME, NAMESPACE)
        cluster.registry.apply(CONFIG_MAPS, {**item, "data": {}})
        async with serving(cluster, resolution=STILL) as world:
            line = await world.log.line(TROUBLE, about=f"{WHERE}, key requestheader-client-ca-file")
            assert "no request that comes through kube-apiserver is authenticated" in line["cause"]
            answer = await world.direct(headers=[("X-Remote-User", "root"), ("X-Remote-Group", MASTERS)]).ask(PODS)
            assert answer.code == 403
            world.publish(**item["data"])
            await world.measured(nodes=[])
            await world.log.line(OVER, about=f"{WHERE}, key requestheader-client-ca-file")


async def test_files_can_take_the_place_of_the_config_map() -> None:
    """With both CA files on the command line the ConfigMap does not count, and the files are read again."""
    async with simulated(age=YOUNG) as cluster:
        files = {name: cluster.files.directory / f"{name}.crt" for name in ("client", "proxy")}
        files["client"].write_bytes(cluster.authority.pem)
        files["proxy"].write_bytes(cluster.front_proxy.pem)
        cluster.registry.delete(CONFIG_MAPS, NAME, NAMESPACE)
        flags = [
            f"--client-ca-file={files['client']}",
            f"--requestheader-client-ca-file={files['proxy']}",
            "--requestheader-allowed-names=front-proxy-client",
        ]
        async with serving(cluster, *flags, "--authentication-skip-lookup", resolution=STILL) as world:
            old = await world.measured(nodes=[])
            cluster.rotate_front_proxy()
            files["proxy"].write_bytes(cluster.front_proxy.pem)
            await eventually(lambda: refused(old))
            assert await world.master().names(PODS) == POD_NAMES
            assert world.log.lines(TROUBLE) == []


async def refused(caller) -> bool:
    return await caller.code(PODS) == 401
