"""Keys and certificates of the cluster, made with openssl: an authority, certificates, tokens."""

import json
import secrets
from pathlib import Path

from processes import run
from settings import API_PORT, API_SERVICE_IP, NODE_IP, Places

USERS = {
    "admin": "system:masters",
    "kubelet": "system:nodes",
    "viewer": "kagents-test-viewers",
    "operator": "kagents-test-operators",
    "member": "kagents-test-admins",
}
"""Token users: the administrator, the node, and three people for the tests of roles."""


def create(places: Places) -> None:
    """Make everything that is missing."""
    folder = places.pki
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "tokens.json").exists():
        return
    _authority(folder)
    for name, common, organisation in (
        ("apiserver", "kube-apiserver", "kubernetes"),
        ("controller-manager", "system:kube-controller-manager", "system:masters"),
        ("scheduler", "system:kube-scheduler", "system:kube-scheduler"),
        ("proxy", "system:kube-proxy", "system:node-proxier"),
    ):
        _certificate(folder, name, common, organisation)
    run(["openssl", "genrsa", "-out", str(folder / "service-accounts.key"), "2048"])
    run(
        [
            "openssl",
            "rsa",
            "-in",
            str(folder / "service-accounts.key"),
            "-pubout",
            "-out",
            str(folder / "service-accounts.pub"),
        ]
    )
    tokens = {user: secrets.token_urlsafe(32) for user in USERS}
    names = {"kubelet": "system:node:kagents-node"}
    lines = [f'{token},{names.get(user, user)},{user},"{USERS[user]}"' for user, token in tokens.items()]
    (folder / "tokens.csv").write_text("\n".join(lines) + "\n")
    (folder / "tokens.json").write_text(json.dumps(tokens))
    for path in folder.iterdir():
        path.chmod(0o600)


def _authority(folder: Path) -> None:
    run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "3650",
            "-subj",
            "/CN=kagents test cluster",
            "-keyout",
            str(folder / "ca.key"),
            "-out",
            str(folder / "ca.crt"),
        ]
    )


def _certificate(folder: Path, name: str, common: str, organisation: str) -> None:
    key, request, certificate = (str(folder / f"{name}.{end}") for end in ("key", "csr", "crt"))
    extensions = folder / f"{name}.ext"
    addresses = f"IP:{NODE_IP},IP:127.0.0.1,IP:{API_SERVICE_IP}"
    names = f"{addresses},DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc"
    extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
    subject = f"/O={organisation}/CN={common}"
    run(
        ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", key, "-out", request]
    )
    signer = ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial"]
    run(
        [
            "openssl",
            "x509",
            "-req",
            "-in",
            request,
            *signer,
            "-days",
            "3650",
            "-extfile",
            str(extensions),
            "-out",
            certificate,
        ]
    )


def token(places: Places, user: str) -> str:
    """The bearer token of a user."""
    return str(json.loads((places.pki / "tokens.json").read_text())[user])


def kubeconfig(places: Places, path: Path, user: dict[str, str], server: str = NODE_IP) -> None:
    """Write a kubeconfig for ``user`` (the kubeconfig's own user fields)."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kagents-test",
        "contexts": [{"name": "kagents-test", "context": {"cluster": "kagents-test", "user": "user"}}],
        "clusters": [
            {
                "name": "kagents-test",
                "cluster": {
                    "server": f"https://{server}:{API_PORT}",
                    "certificate-authority": str(places.pki / "ca.crt"),
                },
            }
        ],
        "users": [{"name": "user", "user": user}],
    }
    path.write_text(json.dumps(config, indent=1))
    path.chmod(0o600)


def component_kubeconfig(places: Places, name: str) -> Path:
    """Kubeconfig of a component that has a certificate."""
    path = places.pki / f"{name}.kubeconfig"
    files = {
        "client-certificate": str(places.pki / f"{name}.crt"),
        "client-key": str(places.pki / f"{name}.key"),
    }
    kubeconfig(places, path, files)
    return path


def user_kubeconfig(places: Places, user: str) -> Path:
    """Kubeconfig of a token user."""
    path = places.root / f"{user}.kubeconfig"
    kubeconfig(places, path, {"token": token(places, user)})
    return path
