"""An earlier release on the cluster: its chart, and images with its programs, from the history.

The images are those of this checkout with one layer more, in which the earlier release's packages stand in
the place of this one's: base, libraries and CLI are the same. Building them anew would take minutes.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testcluster.cluster import Cluster, tool
from testcluster.commands import CHART, REPOSITORY
from testcluster.images import Images, archived

RECORDED = REPOSITORY / "tests/fixtures/upgrade/earlier.jsonl"
REVISION: str = json.loads(RECORDED.read_text().partition("\n")[0])["revision"]
PACKAGES = ("core", "controller", "runner", "local", "tui")
PLACE = "opt/kagents/lib/python3.11/site-packages"
OPAQUE = ".wh..wh..opq"
"""Says that nothing of a folder in the layers below is seen."""


@dataclass(frozen=True)
class Release:
    """A chart, and the images that it is installed with."""

    chart: Path
    images: Images


def earlier_release(cluster: Cluster, folder: Path) -> Release:
    """The earlier release, its images on the node."""
    source = _unpacked(folder / "source")
    archives = archived(cluster.images)
    if not cluster.own or archives is None:
        pytest.skip("images of an earlier release are made only for the node that this machine runs itself")
    tag = f"earlier-{REVISION[:12]}"
    images = Images("kagents-runner", "kagents-controller", tag)
    layer = _layer(source)
    present = tool("images")
    for name, archive in zip(("runner", "controller"), archives, strict=True):
        if f"kagents-{name}:{tag}" not in present:
            made = folder / f"{name}.tar"
            _with_layer(archive, made, layer, f"docker.io/library/kagents-{name}:{tag}")
            tool("load", str(made))
            made.unlink()
    return Release(source / CHART.relative_to(REPOSITORY), images)


def _unpacked(folder: Path) -> Path:
    git = ["git", "-C", str(REPOSITORY), "archive", REVISION]
    archive = subprocess.run(git, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(
            f"the history of this checkout does not reach back to {REVISION[:12]}, the release that is "
            "upgraded from: `git fetch --unshallow` brings it"
        )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _layer(source: Path) -> bytes:
    """The packages of a release as a layer of an image."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        for folder in PACKAGES:
            package = f"kagents_{folder}"
            _add(layer, f"{PLACE}/{package}/{OPAQUE}", b"")
            for file in sorted((source / folder / package).rglob("*")):
                if file.is_file():
                    _add(
                        layer,
                        f"{PLACE}/{package}/{file.relative_to(source / folder / package)}",
                        file.read_bytes(),
                    )
    return content.getvalue()


def _with_layer(archive: Path, target: Path, layer: bytes, name: str) -> None:
    """The same image with this layer on top, under another name."""
    with tarfile.open(archive) as given, tarfile.open(target, "w") as made:
        [manifest] = json.loads(_read(given, "manifest.json"))
        config: dict[str, Any] = json.loads(_read(given, manifest["Config"]))
        config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(layer).hexdigest())
        config.get("history", []).append({"created_by": "an earlier release"})
        for member in manifest["Layers"]:
            found = given.getmember(member)
            made.addfile(found, given.extractfile(found))
        _add(made, "earlier.tar", layer)
        _add(made, "config.json", json.dumps(config).encode())
        told = {"Config": "config.json", "RepoTags": [name], "Layers": [*manifest["Layers"], "earlier.tar"]}
        _add(made, "manifest.json", json.dumps([told]).encode())


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    archive.addfile(entry, io.BytesIO(data))
