"""Images of the test cluster: the pause image made by hand, others imported from archives."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from processes import run
from settings import BINARIES, Places

PAUSE_IMAGE = "kagents.test/pause:1"


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def pause_archive(path: Path) -> None:
    """A docker archive of one layer with one static program."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _add(archive, "pause", (BINARIES / "pause").read_bytes(), 0o755)
    content = layer.getvalue()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(content).hexdigest()]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        _add(archive, "config.json", json.dumps(config).encode())
        _add(archive, "layer.tar", content)
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _ctr(places: Places, *arguments: str) -> str:
    base = ["ctr", "--address", str(places.containerd_socket), "--namespace", "k8s.io", "images"]
    return run([*base, *arguments]).stdout


def end_container(places: Places, identity: str) -> None:
    """SIGKILL to a container's processes, as a fault."""
    base = ["ctr", "--address", str(places.containerd_socket), "--namespace", "k8s.io", "tasks"]
    run([*base, "kill", "--all", "--signal", "SIGKILL", identity])


def load(places: Places, archive: Path) -> None:
    """Import an image archive into the node's containerd."""
    _ctr(places, "import", str(archive))


def tag(places: Places, image: str, name: str) -> None:
    """Give an image of the node another name."""
    _ctr(places, "tag", "--force", image, name)


def names(places: Places) -> list[str]:
    """The images the node has."""
    return _ctr(places, "list", "-q").split()
