"""The images under test, built from this checkout once for each state of their sources."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from testcluster.commands import REPOSITORY, run

CACHE = Path(os.environ.get("KAGENTS_CLUSTER_IMAGES", Path.home() / ".cache" / "kagents-cluster" / "images"))
_SOURCES = (
    "core",
    "controller",
    "local",
    "runner",
    "tui",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "tools/images",
    "tools/image-locks",
    "tools/get-claude",
)


@dataclass(frozen=True)
class Images:
    """Repositories and the tag that both images have."""

    runner: str
    controller: str
    tag: str

    @property
    def values(self) -> list[str]:
        """The chart's values that name them."""
        return [
            f"images.runner.repository={self.runner}",
            f"images.runner.tag={self.tag}",
            f"images.controller.repository={self.controller}",
            f"images.controller.tag={self.tag}",
        ]


def given() -> Images | None:
    """``KAGENTS_TEST_IMAGES=<registry prefix>:<tag>``: images that the cluster can pull by itself."""
    named = os.environ.get("KAGENTS_TEST_IMAGES")
    if not named:
        return None
    prefix, _, tag = named.rpartition(":")
    return Images(f"{prefix}kagents-runner", f"{prefix}kagents-controller", tag)


def built() -> tuple[Images, list[Path]]:
    """Images of this checkout as archives; only the latest state is kept."""
    tag = f"test-{_digest()}"
    folder = CACHE / tag
    archives = [folder / f"kagents-{name}.tar" for name in ("runner", "controller")]
    if not all(path.exists() for path in archives):
        base = run([sys.executable, "tools/cluster/base_image.py"], seconds=600).strip()
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=CACHE))
        command = [
            str(REPOSITORY / "tools/images"),
            "--tag",
            tag,
            "--base",
            base,
            "--archive",
            str(unfinished),
        ]
        subprocess.run(command, check=True, timeout=900, stdout=subprocess.DEVNULL)
        unfinished.rename(folder)
        storage = ["buildah", "--storage-driver", os.environ.get("KAGENTS_BUILD_STORAGE", "vfs")]
        names = [f"kagents-{name}:{tag}" for name in ("runner", "controller")]
        subprocess.run([*storage, "rmi", *names], check=False, timeout=120, capture_output=True)
    return Images("kagents-runner", "kagents-controller", tag), archives


def archived(images: Images) -> list[Path] | None:
    """The archives of these images, runner and controller; None where the images were given by name."""
    found = [CACHE / images.tag / f"kagents-{name}.tar" for name in ("runner", "controller")]
    return found if all(path.exists() for path in found) else None


def _digest() -> str:
    digest = hashlib.sha256()
    for source in _SOURCES:
        path = REPOSITORY / source
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.is_file() and file.suffix not in (".pyc",):
                digest.update(f"{file.relative_to(REPOSITORY)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
