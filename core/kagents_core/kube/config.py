"""How to reach an API server: kubeconfig files and the service account of a pod, read into one value.

The rules are those of ``kubectl``. Imports nothing heavy: the terminal loads this before its first frame.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kagents_core.kube.errors import ConfigError, NoKubeconfig
from kagents_core.kube.kubeconfig import Entry, read_kubeconfig

_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_IN_CLUSTER_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A credential program of a kubeconfig user (``client.authentication.k8s.io``)."""

    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    api_version: str = "client.authentication.k8s.io/v1"
    install_hint: str | None = None
    cluster_info: Mapping[str, Any] | None = field(default=None, repr=False)
    """Passed to the program when the kubeconfig says ``provideClusterInfo``."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One API server and one way to prove who we are. Secrets are left out of ``repr``."""

    server: str
    ca_data: bytes | None = None
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    exec_plugin: ExecPlugin | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_certificate: bytes | None = field(default=None, repr=False)
    client_key: bytes | None = field(default=None, repr=False)
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    compression: bool = True
    """Whether answers may be compressed: near the server that costs both sides more time than it saves."""
    namespace: str = "default"
    context: str = ""
    source: str = ""
    """The file (or environment) it came from, for messages."""


def load_kubeconfig(path: str | None = None, context: str | None = None) -> ClientConfig:
    """The server and credential of a context (the current one unless named). Raises ConfigError."""
    merged = read_kubeconfig(path)
    first = merged.files[0]
    name = context or merged.current_context
    if not name:
        raise ConfigError(f"{first}: current-context: is not set; choose a context by name")
    if name not in merged.contexts:
        known = ", ".join(merged.contexts) or "none"
        raise ConfigError(f"{first}: contexts: there is no context {name!r} (there are: {known})")
    chosen = merged.contexts[name]
    cluster = _referred(merged.clusters, chosen, "cluster", "clusters")
    user = _referred(merged.users, chosen, "user", "users") if chosen.text("user") else None
    return _build(chosen, cluster, user, name)


def load_in_cluster() -> ClientConfig:
    """The API server of the cluster this process runs in, with the pod's service account.

    The token is read again whenever its file changes. Raises ConfigError outside a cluster.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise ConfigError("KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set: this is not a pod")
    directory = Path(os.environ.get("KAGENTS_SERVICE_ACCOUNT_DIR", _IN_CLUSTER_DIR))
    namespace_file = directory / "namespace"
    try:
        ca_data = (directory / "ca.crt").read_bytes()
        namespace = namespace_file.read_text().strip() if namespace_file.exists() else "default"
    except OSError as error:
        raise ConfigError(f"{error.filename}: cannot be read ({error.strerror})") from None
    if not (directory / "token").exists():
        raise ConfigError(f"{directory / 'token'}: there is no service account token")
    return ClientConfig(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        ca_data=ca_data,
        token_file=directory / "token",
        compression=False,
        namespace=namespace or "default",
        context="in-cluster",
        source=str(directory),
    )


def load_default() -> ClientConfig:
    """The kubeconfig if there is one, else the service account of the pod. Raises ConfigError."""
    try:
        return load_kubeconfig()
    except NoKubeconfig:
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            return load_in_cluster()
        raise


def _build(chosen: Entry, cluster: Entry, user: Entry | None, name: str) -> ClientConfig:
    server = cluster.text("server")
    if server is None or not server.startswith(("https://", "http://")):
        raise cluster.error("server", f"must be an http(s) URL, not {server!r}")
    proxy = cluster.text("proxy-url")
    if proxy is not None and not proxy.startswith(("http://", "https://")):
        raise cluster.error("proxy-url", f"only http and https proxies are supported, not {proxy!r}")
    insecure = cluster.flag("insecure-skip-tls-verify")
    certificate = user.data("client-certificate") if user else None
    key = user.data("client-key") if user else None
    if user and (certificate is None) != (key is None):
        missing = "client-key" if key is None else "client-certificate"
        raise user.error(missing, "is missing; certificate and key go together")
    return ClientConfig(
        server=server.rstrip("/"),
        ca_data=None if insecure else cluster.data("certificate-authority"),
        token=user.text("token") if user else None,
        token_file=user.path("tokenFile") if user else None,
        exec_plugin=_exec_plugin(user, cluster, server, insecure) if user else None,
        username=user.text("username") if user else None,
        password=user.text("password") if user else None,
        client_certificate=certificate,
        client_key=key,
        insecure=insecure,
        tls_server_name=cluster.text("tls-server-name"),
        proxy_url=proxy,
        compression=not cluster.flag("disable-compression"),
        namespace=chosen.text("namespace") or "default",
        context=name,
        source=str(chosen.file),
    )


def _exec_plugin(user: Entry, cluster: Entry, server: str, insecure: bool) -> ExecPlugin | None:
    if user.values.get("exec") is None:
        if user.values.get("auth-provider") is not None:
            raise user.error("auth-provider", "is no longer supported by Kubernetes; use an exec plugin")
        return None
    if not isinstance(user.values["exec"], Mapping):
        raise user.error("exec", "must be a mapping with a command")
    plugin = Entry(user.file, f"{user.where}.exec", user.values["exec"])
    command, version = plugin.text("command"), plugin.text("apiVersion")
    if command is None:
        raise plugin.error("command", "is missing")
    if version not in _EXEC_VERSIONS:
        raise plugin.error("apiVersion", f"must be {' or '.join(_EXEC_VERSIONS)}, not {version!r}")
    args, env = plugin.values.get("args") or [], plugin.values.get("env") or []
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise plugin.error("args", "must be a list of strings")
    try:
        pairs = tuple((str(item["name"]), str(item["value"])) for item in env)
    except (TypeError, KeyError):
        raise plugin.error("env", "must be a list of name and value") from None
    if "/" in command:  # a path belongs to the file; a bare name is looked up on PATH
        command = str(user.file.parent / Path(command).expanduser())
    info = None
    if plugin.flag("provideClusterInfo"):
        authority = cluster.data("certificate-authority")
        info = {"server": server, "insecure-skip-tls-verify": insecure}
        if authority is not None:
            info["certificate-authority-data"] = base64.b64encode(authority).decode()
    return ExecPlugin(command, tuple(args), pairs, version, plugin.text("installHint"), info)


def _referred(entries: Mapping[str, Entry], chosen: Entry, name: str, section: str) -> Entry:
    wanted = chosen.text(name)
    if wanted is None:
        raise chosen.error(name, "is missing")
    if wanted not in entries:
        raise chosen.error(name, f"there is no entry {wanted!r} in {section}")
    return entries[wanted]
