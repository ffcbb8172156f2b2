"""The kubeconfig of the embedded engine (docs/internals.md, section 6)."""

import base64
from pathlib import Path
from typing import Final

from kagents_local.paths import write_private

CONTEXT: Final = "kagents-local"


def write_kubeconfig(path: Path, *, server: str, ca_certificate: bytes, token: str) -> None:
    """Write the file for this user alone, unless it says the same already."""
    authority = base64.b64encode(ca_certificate).decode()
    text = f"""apiVersion: v1
kind: Config
clusters:
- name: {CONTEXT}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {CONTEXT}
  user:
    token: {token}
contexts:
- name: {CONTEXT}
  context:
    cluster: {CONTEXT}
    user: {CONTEXT}
    namespace: default
current-context: {CONTEXT}
"""
    data = text.encode()
    if not path.exists() or path.read_bytes() != data:
        write_private(path, data)
