"""Kubeconfig files: their shape, and how several of them become one ("Organizing Cluster Access")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import yaml

from kubevitals.errors import ConfigError
from kubevitals.kube.exec_plugin import ExecSpec
from kubevitals.kube.files import read_file

T = TypeVar("T")


class Extension(msgspec.Struct):
    """A named extension of a cluster."""

    name: str
    extension: Any = None


class Cluster(msgspec.Struct, rename="kebab", kw_only=True):
    """``clusters[].cluster``."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    extensions: list[Extension] = []


class AuthProvider(msgspec.Struct):
    """``users[].user.auth-provider``, gone from kubectl since 1.26 but for ``oidc``."""

    name: str
    config: dict[str, str] = {}


class UserEntry(msgspec.Struct, rename="kebab", kw_only=True):
    """``users[].user``."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    password: str = ""
    as_: str = msgspec.field(default="", name="as")
    as_uid: str = ""
    as_groups: list[str] = []
    as_user_extra: dict[str, list[str]] = {}
    exec: ExecSpec | None = None
    auth_provider: AuthProvider | None = None


class Context(msgspec.Struct):
    """``contexts[].context``."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster = msgspec.field(default_factory=Cluster)


class _NamedUser(msgspec.Struct):
    name: str
    user: UserEntry = msgspec.field(default_factory=UserEntry)


class _NamedContext(msgspec.Struct):
    name: str
    context: Context = msgspec.field(default_factory=Context)


class _File(msgspec.Struct, rename="kebab"):
    clusters: list[_NamedCluster] = []
    users: list[_NamedUser] = []
    contexts: list[_NamedContext] = []
    current_context: str = ""


class Entry(NamedTuple, Generic[T]):
    """An entry and the file it stands in, to which its relative paths belong."""

    value: T
    file: Path

    def path(self, relative: str) -> Path:
        """Return a path as written in the entry, made absolute."""
        return self.file.parent.absolute() / relative


@dataclass(slots=True)
class Kubeconfig:
    """One or several files as one; what an earlier file says about a name wins over all later files."""

    files: tuple[Path, ...] = ()
    clusters: dict[str, Entry[Cluster]] = field(default_factory=dict)
    users: dict[str, Entry[UserEntry]] = field(default_factory=dict)
    contexts: dict[str, Entry[Context]] = field(default_factory=dict)
    current_context: str = ""


def read_kubeconfig(paths: Sequence[Path]) -> Kubeconfig:
    """Read and merge kubeconfig files.

    A single file must exist; of several, those that do not exist are left out.

    Raises:
        ConfigError: no file exists, or one cannot be read or understood.
    """
    present = paths if len(paths) == 1 else [path for path in paths if path.exists()]
    if not present:
        looked = ", ".join(map(str, paths)) or "nowhere"
        raise ConfigError(f"no kubeconfig found (looked at: {looked}); name one with --kubeconfig or KUBECONFIG")
    merged = Kubeconfig(files=tuple(present))
    for path in present:
        _merge(merged, _parse(read_file(path, "kubeconfig"), path), path)
    return merged


def _merge(into: Kubeconfig, new: _File, file: Path) -> None:
    clusters = _unique(((item.name, item.cluster) for item in new.clusters), file, "clusters")
    users = _unique(((item.name, item.user) for item in new.users), file, "users")
    contexts = _unique(((item.name, item.context) for item in new.contexts), file, "contexts")
    into.clusters = clusters | into.clusters
    into.users = users | into.users
    into.contexts = contexts | into.contexts
    into.current_context = into.current_context or new.current_context


def _unique(items: Iterable[tuple[str, T]], file: Path, key: str) -> dict[str, Entry[T]]:
    entries: dict[str, Entry[T]] = {}
    for name, value in items:
        if name in entries:
            raise ConfigError(f"{file}: {key} has the name {name!r} twice; remove or rename one")
        entries[name] = Entry(value, file)
    return entries


def _parse(content: bytes, file: Path) -> _File:
    document = _load(content, file, _TextLoader)
    try:
        return msgspec.convert(_without_nulls(document) or {}, _File, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {error}") from None


def cluster_extension(entry: Entry[Cluster], cluster: str, name: str) -> Any:
    """Return a cluster's named extension with its types kept, such as numbers; None when there is none."""
    if not any(item.name == name for item in entry.value.extensions):
        return None
    document = _load(read_file(entry.file, "kubeconfig"), entry.file, yaml.SafeLoader)
    for item in document["clusters"]:
        if str(item["name"]) == cluster:
            found = [e.get("extension") for e in item["cluster"]["extensions"] if str(e["name"]) == name]
            return found[0]
    return None


class _TextLoader(yaml.SafeLoader):
    """Takes every scalar but null as text, so that a numeric password stays what was written."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML declares it so
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _load(content: bytes, file: Path, loader: type[yaml.SafeLoader]) -> Any:
    try:
        return yaml.load(content, Loader=loader)  # noqa: S506 - both loaders are safe ones
    except yaml.MarkedYAMLError as error:
        # The error's own text quotes the line, which may hold a secret.
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{file}{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: not YAML: {type(error).__name__}") from None


def _without_nulls(value: Any) -> Any:
    """A key without a value means the default, as in Kubernetes' own decoder."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
