"""Credentials from a program (client-go credential plugins, client.authentication.k8s.io v1 and v1beta1)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from kubevitals.errors import ConfigError
from kubevitals.kube.credentials import NoCredentials, bearer

_GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1")
_MODES = ("", "Never", "IfAvailable", "Always")


class EnvVar(msgspec.Struct):
    """One variable for the plugin."""

    name: str
    value: str = ""


class ExecSpec(msgspec.Struct, rename="camel", kw_only=True):
    """``users[].user.exec`` of a kubeconfig."""

    api_version: str
    command: str
    args: list[str] = []
    env: list[EnvVar] = []
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class Issued(NamedTuple):
    """What a plugin gave: a token, a certificate and key, or both; ``expires`` in seconds since the epoch."""

    token: str
    certificate: bytes
    key: bytes
    expires: float | None


class ExecPlugin(NoCredentials):
    """Runs the plugin when credentials are needed, and again when they expire or are refused.

    Args:
        spec: what to run.
        what: the user it belongs to, for error messages.
        now: seconds since the epoch.
        environ: the environment that the plugin inherits.
        cluster: the ``spec.cluster`` of KUBERNETES_EXEC_INFO, for plugins that ask for it.
        interactive: whether a person sits at standard input.
        timeout: seconds that a plugin may take; five times as long where it may ask a person.

    Raises:
        ConfigError: the spec cannot work here.
    """

    def __init__(
        self,
        spec: ExecSpec,
        what: str,
        now: Callable[[], float],
        *,
        environ: Mapping[str, str],
        cluster: Mapping[str, Any] | None = None,
        interactive: bool = False,
        timeout: float = 60.0,
    ) -> None:
        _check(spec, what, interactive)
        self._spec = spec
        self._what = f"exec plugin {spec.command} of {what}"
        self._now = now
        self._interactive = interactive and spec.interactive_mode != "Never"
        self._timeout = timeout * 5 if self._interactive else timeout
        self._environ = environment(spec, environ, cluster, interactive=self._interactive)
        self._issued: Issued | None = None
        self._runs = 0
        self._lock = asyncio.Lock()

    async def authorization(self) -> str | None:
        """The token that the plugin gave, if any; runs the plugin when nothing valid is known."""
        issued = self._issued
        if issued is None or not self._valid(issued):
            issued = await self._renew(self._runs)
        return bearer(issued.token, self._what) if issued.token else None

    def client_certificate(self) -> tuple[bytes, bytes] | None:
        """The certificate of the last run, if it gave one."""
        if self._issued is None or not self._issued.certificate:
            return None
        return self._issued.certificate, self._issued.key

    async def refresh(self) -> bool:
        """Run the plugin again; True if it gave something else."""
        before = self._issued
        return await self._renew(self._runs) != before

    def _valid(self, issued: Issued) -> bool:
        return issued.expires is None or self._now() < issued.expires

    async def _renew(self, seen: int) -> Issued:
        """Run the plugin, unless another task has run it since ``seen`` runs were counted."""
        async with self._lock:
            if self._issued is None or self._runs == seen:
                output = await self._run()
                self._issued = parse_credential(output, self._spec.api_version, self._what)
                self._runs += 1
            return self._issued

    async def _run(self) -> bytes:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._output()
        except TimeoutError:
            raise ConfigError(f"{self._what} did not end within {self._timeout:g} s") from None
        except OSError as error:
            hint = f"; {self._spec.install_hint.strip()}" if self._spec.install_hint else ""
            raise ConfigError(f"{self._what} cannot be run: {error.strerror or error}{hint}") from error

    async def _output(self) -> bytes:
        process = await asyncio.create_subprocess_exec(
            self._spec.command,
            *self._spec.args,
            env=self._environ,
            stdin=None if self._interactive else DEVNULL,
            stdout=PIPE,
            # A plugin that asks a person writes its questions there.
            stderr=None if self._interactive else PIPE,
            # A group of its own, so that its children end with it; a terminal's group must stay what it is.
            start_new_session=not self._interactive,
        )
        try:
            output, complaint = await process.communicate()
        finally:
            await self._end(process)
        if process.returncode != 0:
            raise ConfigError(f"{self._what} failed with exit status {process.returncode}{_last(complaint)}")
        return output

    async def _end(self, process: Process) -> None:
        """Leave nothing running, however the run ended."""
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it may have ended in the meantime
            if self._interactive:
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await process.wait()


def environment(
    spec: ExecSpec, environ: Mapping[str, str], cluster: Mapping[str, Any] | None, *, interactive: bool
) -> dict[str, str]:
    """Return the plugin's environment: ours, its own variables, and KUBERNETES_EXEC_INFO."""
    asked: dict[str, Any] = {"interactive": interactive}
    if spec.provide_cluster_info and cluster is not None:
        asked["cluster"] = cluster
    info = {"kind": "ExecCredential", "apiVersion": spec.api_version, "spec": asked}
    own = {variable.name: variable.value for variable in spec.env}
    return {**environ, **own, "KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode()}


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _Credential(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Status | None = None


def parse_credential(output: bytes, version: str, what: str) -> Issued:
    """Return what a plugin's standard output holds.

    Raises:
        ConfigError: it is no ExecCredential of the version asked for, or holds no credentials. The output
            itself is never shown.
    """
    try:
        credential = msgspec.json.decode(output, type=_Credential)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{what} printed no ExecCredential: {error}") from None
    if credential.kind != "ExecCredential" or credential.api_version != version:
        raise ConfigError(
            f"{what} printed {credential.kind or 'an object'} of version {credential.api_version!r}, "
            f"and the kubeconfig asks for ExecCredential of {version!r}; make the two versions the same"
        )
    return _issued(credential.status or _Status(), what)


def _issued(status: _Status, what: str) -> Issued:
    certificate, key = status.client_certificate_data or "", status.client_key_data or ""
    if bool(certificate) != bool(key):
        raise ConfigError(f"{what} gave only one of clientCertificateData and clientKeyData")
    if not status.token and not certificate:
        raise ConfigError(f"{what} gave neither a token nor a certificate")
    expires = _epoch(status.expiration_timestamp) if status.expiration_timestamp else None
    return Issued(status.token or "", certificate.encode(), key.encode(), expires)


def _epoch(time: datetime) -> float:
    # A time without a zone is not RFC 3339; UTC is what such plugins mean.
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _check(spec: ExecSpec, what: str, interactive: bool) -> None:
    if spec.api_version not in VERSIONS:
        raise ConfigError(
            f"{what}: exec.apiVersion {spec.api_version!r} is not supported, only {' and '.join(VERSIONS)}; "
            "update the plugin and this entry"
        )
    if not spec.command:
        raise ConfigError(f"{what}: exec.command is empty")
    if spec.interactive_mode not in _MODES:
        raise ConfigError(f"{what}: exec.interactiveMode {spec.interactive_mode!r} is unknown")
    if spec.interactive_mode == "Always" and not interactive:
        raise ConfigError(
            f"{what}: the exec plugin {spec.command} must ask a person, and standard input is no terminal"
        )


def _last(complaint: bytes | None) -> str:
    """Return the last line of standard error, quoted, for the end of a sentence."""
    lines = (complaint or b"").decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1].strip()[:300]!r}" if lines else ""
