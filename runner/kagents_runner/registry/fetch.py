"""Puts the OCI artifacts of an agent's skills where its container finds them, before it starts."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from kagents_core.kube.addresses import PermittedAddresses
from kagents_core.safetext import clean
from kagents_runner.archives import UNUSABLE, Files, files_of_tar, fill
from kagents_runner.equipment import SkillDocument
from kagents_runner.output import say
from kagents_runner.registry.pull import Layer, pull
from kagents_runner.registry.reference import account_of, parse_reference
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

NETWORKS: Final = "KAGENTS_REGISTRY_NETWORKS"
"""Private networks that a registry may be in, with commas between them."""

_COMPRESSED: Final = ("tar+gzip", "tar.gzip")


def fetch_skills(skills: Sequence[SkillDocument], environment: Mapping[str, str]) -> None:
    """Pulls those that come from a registry. Raises ``RunnerError`` with the name of the skill."""
    networks = [each for each in environment.get(NETWORKS, "").split(",") if each]
    addresses = PermittedAddresses([ip_network(each) for each in networks])
    for skill in skills:
        if skill.oci is not None:
            try:
                asyncio.run(_fetch(skill, addresses))
            except RunnerError as failure:
                raise RunnerError(
                    f"The skill {skill.name}: {failure.sentence}", code=failure.code
                ) from failure


async def _fetch(skill: SkillDocument, addresses: PermittedAddresses) -> None:
    reference = parse_reference(skill.oci or "")
    account = account_of(Path(skill.credentials), reference) if skill.credentials else None
    layers = await pull(reference, account, addresses)
    target = Path(skill.directory)
    shutil.rmtree(target, ignore_errors=True)
    try:
        target.mkdir(parents=True)
        fill(target, (file for layer in layers for file in _files(layer)))
        _lift(target)
    except UNUSABLE as error:
        why = clean(str(error), limit=200, multiline=False)
        raise RunnerError(f"{skill.oci} cannot be unpacked: {why}.", code=EXIT_NEEDS_A_PERSON) from error
    say(f"pulled the skill {skill.name} from {skill.oci}")


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
    """A skill that was packed as a folder: its files, not the folder, are the skill."""
    inside = list(target.iterdir())
    if len(inside) == 1 and inside[0].is_dir():
        lifted = target.with_name(target.name + ".lifted")
        shutil.rmtree(lifted, ignore_errors=True)
        inside[0].rename(lifted)
        target.rmdir()
        lifted.rename(target)
