"""Puts the OCI artifacts of skills and plugins where the agent's container finds them, before it starts."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from kagents_core.kube.addresses import PermittedAddresses
from kagents_core.safetext import clean
from kagents_runner.archives import UNUSABLE, Files, files_of_tar, fill
from kagents_runner.equipment import FolderDocument
from kagents_runner.output import say
from kagents_runner.registry.pull import Layer, pull
from kagents_runner.registry.reference import account_of, parse_reference
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

NETWORKS: Final = "KAGENTS_REGISTRY_NETWORKS"
"""Private networks that a registry may be in, with commas between them."""

_COMPRESSED: Final = ("tar+gzip", "tar.gzip")


def fetch_folders(folders: Sequence[FolderDocument], environment: Mapping[str, str]) -> None:
    """Pulls those that come from a registry. Raises ``RunnerError`` with the name of what is missing."""
    networks = [each for each in environment.get(NETWORKS, "").split(",") if each]
    addresses = PermittedAddresses([ip_network(each) for each in networks])
    for folder in folders:
        if folder.oci is not None:
            try:
                asyncio.run(_fetch(folder, addresses))
            except RunnerError as failure:
                raise RunnerError(
                    f"The {folder.kind} {folder.name}: {failure.sentence}", code=failure.code
                ) from failure


async def _fetch(folder: FolderDocument, addresses: PermittedAddresses) -> None:
    reference = parse_reference(folder.oci or "")
    account = account_of(Path(folder.credentials), reference) if folder.credentials else None
    layers = await pull(reference, account, addresses)
    target = Path(folder.directory)
    shutil.rmtree(target, ignore_errors=True)
    try:
        target.mkdir(parents=True)
        fill(target, (file for layer in layers for file in _files(layer)))
        _lift(target)
    except UNUSABLE as error:
        why = clean(str(error), limit=200, multiline=False)
        raise RunnerError(f"{folder.oci} cannot be unpacked: {why}.", code=EXIT_NEEDS_A_PERSON) from error
    say(f"pulled the {folder.kind} {folder.name} from {folder.oci}")


def _files(layer: Layer) -> Files:
    if layer.media_type.endswith(_COMPRESSED):
        return files_of_tar(layer.data)
    if layer.media_type.endswith(".tar"):
        return files_of_tar(layer.data, compressed=False)
    if layer.title is not None:
        return [(layer.title, layer.data)]
    raise ValueError(
        f"a layer of type {layer.media_type[:80]!r} is neither a tar archive nor a file with a title"
    )


def _lift(target: Path) -> None:
    """What was packed as a folder: its files, not the folder, are wanted. A hidden one is a part of them."""
    inside = list(target.iterdir())
    if len(inside) == 1 and inside[0].is_dir() and not inside[0].name.startswith("."):
        lifted = target.with_name(target.name + ".lifted")
        shutil.rmtree(lifted, ignore_errors=True)
        inside[0].rename(lifted)
        target.rmdir()
        lifted.rename(target)
