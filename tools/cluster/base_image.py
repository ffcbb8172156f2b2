"""A base image for tests without a registry: a minimal Debian with Python, git and ssh."""

import os
import shutil
from pathlib import Path

from processes import ClusterError, run

IMAGE = "localhost/kagents-test-base:bookworm"
PACKAGES = "python3,python3-venv,python3-pip,git,openssh-client,ca-certificates"
ROOT = Path(os.environ.get("KAGENTS_CLUSTER_BASE", "/var/tmp/kagents-cluster-base"))


def _buildah(*arguments: str) -> str:
    return run(
        ["buildah", "--storage-driver", os.environ.get("KAGENTS_BUILD_STORAGE", "vfs"), *arguments]
    ).stdout.strip()


def ensure() -> str:
    """Make the base image unless it is there; returns its name."""
    if IMAGE in _buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        return IMAGE
    if not shutil.which("debootstrap"):
        raise ClusterError("debootstrap is not installed; on Debian: apt-get install debootstrap")
    if not (ROOT / "usr" / "bin" / "python3").exists():
        shutil.rmtree(ROOT, ignore_errors=True)
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(ROOT)])
        for waste in (
            "var/cache/apt",
            "var/lib/apt/lists",
            "usr/share/doc",
            "usr/share/locale",
            "usr/share/man",
        ):
            shutil.rmtree(ROOT / waste, ignore_errors=True)
    container = _buildah("from", "scratch")
    _buildah("add", container, str(ROOT), "/")
    _buildah(
        "config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container
    )
    _buildah("commit", container, IMAGE)
    _buildah("rm", container)
    return IMAGE


if __name__ == "__main__":
    print(ensure())
