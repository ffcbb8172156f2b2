"""``kagents-runner artifact AGENT/NAME``: one artifact as a tar.gz, for ``kagents cp``.

Its files lie below ``artifact/``; last comes ``export.json`` with the record, without which it is not whole.
"""

import argparse
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from kagents_runner.artifacts.store import MOST_BYTES, Kept, records
from kagents_runner.export.archive import Archive
from kagents_runner.export.walk import files_in, open_below
from kagents_runner.locations import Locations
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

PREFIX = "artifact"


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Writes the archive to stdout; returns 0. Raises ``RunnerError`` for what is not there."""
    folder = Locations(environment).artifacts_dir
    agent, _, name = arguments.artifact.partition("/")
    kept = _found(folder, agent, name)
    assert folder is not None
    archive = Archive(sys.stdout.buffer, MOST_BYTES)
    try:
        descriptor = open_below(folder, [agent, name, kept.base])
    except OSError as error:
        raise RunnerError(
            f"The artifact {agent}/{name} cannot be read: {error.strerror or error}."
        ) from error
    try:
        _add(archive, kept, descriptor)
    finally:
        os.close(descriptor)
    archive.close(**kept.document())
    sys.stdout.flush()
    return 0


def _found(folder: Path | None, agent: str, name: str) -> Kept:
    try:
        found = records(folder, agent) if folder is not None else []
    except ValueError:
        found = []
    kept = next((each for each in found if each.name == name), None)
    if kept is None or kept.problem:
        why = f": {kept.problem}" if kept else ""
        raise RunnerError(f"There is no artifact {agent}/{name}{why}.", code=EXIT_NEEDS_A_PERSON)
    return kept


def _add(archive: Archive, kept: Kept, descriptor: int) -> None:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        archive.add_file(f"{PREFIX}/{kept.base}", descriptor, mask=False)
        return
    for path, file in files_in(descriptor, archive.omit):
        archive.add_file(f"{PREFIX}/{kept.base}/{path}", file, mask=False)
