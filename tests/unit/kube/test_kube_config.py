"""Kubeconfig files: what is read, how several merge, and what is said when one cannot be used."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kagents_core.kube.config import load_default, load_in_cluster, load_kubeconfig
from kagents_core.kube.errors import ConfigError, NoKubeconfig
from kagents_core.kube.kubeconfig import read_kubeconfig


def document(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": "https://c.example:6443/"}}],
        "users": [{"name": "u", "user": {"token": "secret-token"}}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}}],
    }
    return {**base, **changes}


def write(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def cluster(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "c", "cluster": {"server": "https://c.example", **fields}}]


def user(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "u", "user": fields}]


def test_reads_server_token_and_namespace(tmp_path: Path) -> None:
    config = load_kubeconfig(write(tmp_path / "config", document()))
    assert (config.server, config.token, config.namespace, config.context) == (
        "https://c.example:6443",
        "secret-token",
        "team-a",
        "one",
    )
    assert "secret-token" not in repr(config)


def test_inline_data_wins_over_files_and_relative_paths_belong_to_their_file(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_bytes(b"ca from file")
    (tmp_path / "pki" / "key").write_bytes(b"key from file")
    content = document(
        clusters=cluster(**{"certificate-authority": "pki/ca.crt"}),
        users=user(
            **{
                "client-certificate-data": base64.b64encode(b"certificate").decode(),
                "client-certificate": "/nowhere",
                "client-key": "pki/key",
            }
        ),
    )
    config = load_kubeconfig(write(tmp_path / "config", content))
    assert config.ca_data == b"ca from file"
    assert (config.client_certificate, config.client_key) == (b"certificate", b"key from file")


def test_first_file_wins_and_missing_files_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "a", document(users=user(token="first"), contexts=None))
    second = write(tmp_path / "b", document(**{"users": user(token="second"), "current-context": "two"}))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "missing"), first, "", second]))
    config = load_kubeconfig()
    assert (config.token, config.context) == ("first", "one")
    assert read_kubeconfig().context_names == ("one",)


def test_home_is_the_last_resort_and_its_absence_has_its_own_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NoKubeconfig, match="does not exist"):
        load_default()
    write(tmp_path / ".kube" / "config", document())
    assert load_default().context == "one"


def test_tls_and_proxy_settings(tmp_path: Path) -> None:
    fields = {"insecure-skip-tls-verify": True, "tls-server-name": "kube", "proxy-url": "http://proxy:3128"}
    config = load_kubeconfig(write(tmp_path / "config", document(clusters=cluster(**fields))))
    assert (config.insecure, config.tls_server_name, config.proxy_url) == (True, "kube", "http://proxy:3128")


def test_answers_are_compressed_unless_the_kubeconfig_says_otherwise(tmp_path: Path) -> None:
    assert load_kubeconfig(write(tmp_path / "config", document())).compression
    near = document(clusters=cluster(**{"disable-compression": True}))
    assert not load_kubeconfig(write(tmp_path / "near", near)).compression


def test_exec_plugin_is_read_completely(tmp_path: Path) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./get-token",
        "args": ["--cluster", "x"],
        "env": [{"name": "A", "value": "b"}],
        "provideClusterInfo": True,
        "installHint": "Install it.",
    }
    ca = base64.b64encode(b"ca").decode()
    content = document(users=user(exec=plugin), clusters=cluster(**{"certificate-authority-data": ca}))
    found = load_kubeconfig(write(tmp_path / "config", content)).exec_plugin
    assert found is not None
    assert (found.command, found.args, found.env) == (
        str(tmp_path / "get-token"),
        ("--cluster", "x"),
        (("A", "b"),),
    )
    assert found.cluster_info is not None
    assert found.cluster_info["certificate-authority-data"] == ca


BAD = [
    ("not: [yaml", "line 2 did not find expected"),
    ("- a list", "must be a mapping"),
    (document(clusters="x"), "clusters: must be a list"),
    (document(clusters=[{"cluster": {}}]), "clusters[0].name: is missing"),
    (document(clusters=[{"name": "c", "cluster": []}, {"name": "d", "cluster": 3}]), "must be a mapping"),
    (document(clusters=cluster(server="ftp://x")), "clusters[c].cluster.server: must be an http(s) URL"),
    (document(clusters=cluster(server=5)), "clusters[c].cluster.server: must be a string"),
    (
        document(clusters=cluster(**{"certificate-authority-data": "???"})),
        "certificate-authority-data: is not base64",
    ),
    (document(clusters=cluster(**{"certificate-authority": "no/such"})), "cannot be read (No such file"),
    (document(clusters=cluster(**{"insecure-skip-tls-verify": "yes"})), "must be true or false, not 'yes'"),
    (document(clusters=cluster(**{"proxy-url": "socks5://x"})), "only http and https proxies"),
    (document(users=user(**{"client-key-data": "eA=="})), "users[u].user.client-certificate: is missing"),
    (
        document(users=user(exec={"apiVersion": "client.authentication.k8s.io/v1"})),
        "users[u].user.exec.command",
    ),
    (document(users=user(exec={"command": "x", "apiVersion": "v9"})), "users[u].user.exec.apiVersion"),
    (document(users=user(**{"auth-provider": {"name": "gcp"}})), "use an exec plugin"),
    (
        document(contexts=[{"name": "one", "context": {"cluster": "zz"}}]),
        "there is no entry 'zz' in clusters",
    ),
    (document(contexts=[{"name": "one", "context": {"cluster": "c", "user": "w"}}]), "no entry 'w' in users"),
    (document(**{"current-context": "gone"}), "there is no context 'gone' (there are: one)"),
    (document(**{"current-context": ""}), "current-context: is not set"),
]


@pytest.mark.parametrize(("content", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_a_bad_file_is_refused_with_file_and_field(tmp_path: Path, content: Any, sentence: str) -> None:
    path = write(tmp_path / "config", content)
    with pytest.raises(ConfigError) as caught:
        load_kubeconfig(path)
    assert sentence in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "config", "#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="larger than 4 MiB"):
        load_kubeconfig(path)


def test_in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {"token": "t", "ca.crt": "ca", "namespace": "here\n"}.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("KAGENTS_SERVICE_ACCOUNT_DIR", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    config = load_in_cluster()
    assert (config.server, config.namespace, config.token_file) == (
        "https://[fd00::1]:443",
        "here",
        tmp_path / "token",
    )
    assert not config.compression
    (tmp_path / "token").unlink()
    with pytest.raises(ConfigError, match="there is no service account token"):
        load_in_cluster()
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(ConfigError, match="this is not a pod"):
        load_in_cluster()


def test_importing_it_is_cheap() -> None:
    heavy = {"aiohttp", "yaml", "asyncio"}
    code = f"import sys, kagents_core.kube.config; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"
