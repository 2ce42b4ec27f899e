"""Draws ``docs/demo.svg``: half a minute of ``kubevitals demo``, by rich's own export.

Run it with the project's Python: ``.venv/bin/python docs/picture.py``.
"""

from __future__ import annotations

import asyncio
import io
import random
import re
import time
from pathlib import Path

from rich.console import Console

from kubevitals.cli import demo, screens, usage
from kubevitals.kube.client import ApiClient
from kubevitals.kube.config import load_kubeconfig
from kubevitals.simulator.cluster import Cluster, Plan

_SECONDS = 30
_SHEET = screens.Sheet(width=112, height=30)
_COMMANDS = (
    "kubectl top nodes",
    "kubectl top pods -A --sort-by=cpu",
    "kubectl top pods -n shop -l app=cart --containers",
)


async def watch() -> None:
    """Run the demo's cluster and server, and draw what the screen shows at the end."""
    plan = Plan(nodes=3, pods=8, host=True, housekeeping=1.0)
    async with Cluster(plan, now=time.time, random=random.random) as cluster:  # noqa: TID251 - composed here
        flags = [
            *cluster.serve_flags(),
            "--secure-port=28443",
            "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
        ]
        async with demo.start_server(flags, resolution=2.0) as (host, port):
            cluster.register(host, port)
            config = load_kubeconfig([cluster.files.admin], now=time.time, environ={})  # noqa: TID251
            async with ApiClient(config) as client:
                await draw(client, cluster.host_name)


async def draw(client: ApiClient, host: str) -> None:
    """Look once a second, and save the last look."""
    history, snapshot = screens.History(), usage.Snapshot()
    for _ in range(_SECONDS):
        await asyncio.sleep(1)
        snapshot = await usage.read(client)
        history.add(snapshot)
    hints = screens.Hints("/tmp/kubevitals-demo/kubeconfig", _COMMANDS)  # noqa: S108 - as the demo prints it
    title = "kubevitals demo: this machine and 3 simulated nodes, a scrape every 2s"
    scene = screens.Scene(title, host, hints, time.time())  # noqa: TID251
    console = Console(
        record=True, width=_SHEET.width, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(screens.live(snapshot, history, scene, _SHEET))
    # Without the fonts that the export would fetch from elsewhere: any monospaced one will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="kubevitals demo"), flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    Path(__file__).with_name("demo.svg").write_text(svg, encoding="utf-8")


asyncio.run(watch())
