"""The images: the same bit for bit from a clone with empty caches, for numeric users, no caches inside."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from testcluster.cluster import Cluster
from testcluster.commands import REPOSITORY, Object, run
from testcluster.images import CACHE

NAMES = ("runner", "controller")
USERS = {"runner": "10001:10001", "controller": "10002:10002"}


@pytest.fixture(scope="module")
def archives(cluster: Cluster) -> Path:
    """Where the archives of the images under test lie."""
    if not cluster.own or os.environ.get("KAGENTS_TEST_IMAGES"):
        pytest.skip("the images under test were built elsewhere")
    return CACHE / cluster.images.tag


def config(archive: Path) -> tuple[str, Object]:
    """Id and configuration of the image in a docker archive."""
    with tarfile.open(archive) as files:
        [entry] = json.load(files.extractfile("manifest.json"))  # type: ignore[arg-type]
        return entry["Config"], json.load(files.extractfile(entry["Config"]))  # type: ignore[arg-type]


def compiled(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and first 16 bytes of every compiled module of kagents and what it brings."""
    with tarfile.open(archive) as files:
        [entry] = json.load(files.extractfile("manifest.json"))  # type: ignore[arg-type]
        for layer in entry["Layers"][1:]:
            with tarfile.open(fileobj=files.extractfile(layer), mode="r|*") as content:
                for each in content:
                    if each.name.startswith("opt/kagents") and each.name.endswith(".pyc"):
                        yield each.name, content.extractfile(each).read(16)  # type: ignore[union-attr]


def own_layers(archive: Path) -> Iterator[tarfile.TarInfo]:
    """Every file of the layers above the base."""
    with tarfile.open(archive) as files:
        [entry] = json.load(files.extractfile("manifest.json"))  # type: ignore[arg-type]
        for layer in entry["Layers"][1:]:
            with tarfile.open(fileobj=files.extractfile(layer), mode="r|*") as content:
                yield from content


@pytest.mark.timeout(400, func_only=True)
def test_a_clone_with_cold_caches_gives_the_same_images(archives: Path, tmp_path: Path) -> None:
    sources = ("core", "controller", "runner", "local", "tui", "pyproject.toml", "tools")
    changed = run(["git", "-C", str(REPOSITORY), "status", "--porcelain", "--", *sources])
    if changed:
        words = f"this compares with a clone of HEAD, and there are changes not committed:\n{changed}"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    run(["git", "clone", "--quiet", str(REPOSITORY), str(tmp_path / "clone")])
    base = run([sys.executable, "tools/cluster/base_image.py"], seconds=600).strip()
    cold = {
        "PIP_CACHE_DIR": str(tmp_path / "pip"),
        "npm_config_cache": str(tmp_path / "npm"),
        "PYTHON": str(Path(sys.executable).resolve()),
        "KAGENTS_CLAUDE": "",
    }
    tag = f"again-{os.getpid()}"
    command = [str(tmp_path / "clone" / "tools" / "images"), "--tag", tag, "--base", base]
    again = tmp_path / "again"
    subprocess.run(
        [*command, "--archive", str(again)],
        env=os.environ | cold,
        check=True,
        timeout=390,
        stdout=subprocess.DEVNULL,
    )
    storage = ["buildah", "--storage-driver", os.environ.get("KAGENTS_BUILD_STORAGE", "vfs")]
    run([*storage, "rmi", *(f"kagents-{name}:{tag}" for name in NAMES)])
    for name in NAMES:
        file = f"kagents-{name}.tar"
        assert config(again / file)[0] == config(archives / file)[0]
    shutil.rmtree(again)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_an_image_has_a_time_or_a_cache_of_its_own(archives: Path, name: str) -> None:
    archive = archives / f"kagents-{name}.tar"
    found = list(own_layers(archive))
    assert any("kagents_core" in each.name for each in found)
    assert {each.mtime for each in found} == {0}
    caches = ("root/.cache", "var/lib/apt/lists/", "root/.npm", "tmp/pip")
    assert [each.name for each in found if each.name.startswith(caches) and each.isfile()] == []
    user = config(archive)[1]["config"]["User"]
    assert user == USERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_modules_are_compiled_and_held_to_their_sources_by_a_hash(archives: Path, name: str) -> None:
    found = dict(compiled(archives / f"kagents-{name}.tar"))
    assert any("kagents_core/kube" in each for each in found)
    assert any("orjson" in each for each in found)
    flags = {int.from_bytes(head[4:8], "little") for head in found.values()}
    assert flags == {0b11}  # PEP 552: by hash, and compared with the source
