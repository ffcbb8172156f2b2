"""``kagents export``: everything that is known of a team as one archive, also after its end."""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from kagents_tui.cli import exits, options
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_tui.cli.export_archive import TeamArchive

Object = dict[str, Any]

LOG_BYTES: Final = 64 * 1024 * 1024
_SLACK: Final = 64 * 1024 * 1024
"""Beyond the limit: headers of the archive, and what was compressed badly."""
_UNITS: Final = {"": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "export",
        "write a team's transcripts, logs, journal, mail, tasks, changes, outputs and objects to one archive",
        (
            "kagents export q3-report",
            "kagents export q3-report -o /tmp/q3.tar.gz --limit 5Gi",
            "kagents export q3-report -o - | tar -tzf -",
        ),
    )
    parser.add_argument("team", metavar="TEAM", help="name of the team")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the archive, TEAM.tar.gz when absent; - for standard output"
    )
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    parser.add_argument(
        "--limit",
        type=_size,
        default=1024**3,
        metavar="SIZE",
        help="of all files together; what has no room is named in export.json (default: 1Gi)",
    )
    options.add_connection(parser)
    parser.set_defaults(run=export)


def _size(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,12})(Ki|Mi|Gi|Ti)?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a size such as 500Mi or 2Gi")
    return int(found[1]) * _UNITS[found[2] or ""]


async def export(arguments: argparse.Namespace) -> int:
    """Collect, then put the file in its place."""
    from kagents_core.api.resources import AGENT_TEAMS
    from kagents_tui.cli.export_archive import BrokenArchiveError, TeamArchive
    from kagents_tui.cli.export_pod import export_pod

    target = arguments.output or f"{arguments.team}.tar.gz"
    with _place(target, force=arguments.force) as stream:
        async with options.session(arguments) as session:
            team = await session.client.get(AGENT_TEAMS, session.namespace, arguments.team)
            archive = TeamArchive(stream, arguments.team, arguments.limit + _SLACK)
            try:
                await _add_objects(session.client, team, archive)
                async with export_pod(session.client, team) as pod:
                    await _add_files(session.client, pod, archive, arguments.limit)
                missing = archive.close()
            except BrokenArchiveError as error:
                raise CommandError(exits.FAILED, str(error)) from None
    told = f"{target}: {archive.files} files, {archive.bytes / 1024**2:.1f} MiB"
    options.note(told + (f"; {missing} are not in it, export.json says why" if missing else ""))
    return exits.OK


@contextmanager
def _place(target: str, *, force: bool) -> Iterator[IO[bytes]]:
    """A stream whose bytes appear under the name only when all has gone well."""
    if target == "-":
        if sys.stdout.isatty():
            raise CommandError(exits.USAGE, "an archive is not for a terminal; name a file with -o")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    if path.exists() and not force:
        raise CommandError(exits.REFUSED, f"{target} is there already; name another file, or use --force")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CommandError(exits.REFUSED, f"{target} cannot be written: {error.strerror}") from None
    try:
        with open(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    except OSError as error:
        raise CommandError(exits.FAILED, f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        Path(name).unlink(missing_ok=True)


async def _add_objects(client: "Client", team: Object, archive: "TeamArchive") -> None:
    """The team, what it owns, its events, and the logs of its pods."""
    from kagents_core.api.resources import CLAIMS, PODS
    from kagents_core.kube.errors import ApiError
    from kagents_tui.cli.export_pod import owned
    from kagents_tui.feed import events_of

    namespace, uid = team["metadata"]["namespace"], team["metadata"]["uid"]
    archive.add_objects("agentteam", [team])
    for kind, resource in (("pod", PODS), ("claim", CLAIMS)):
        try:
            found = [each for each in (await client.list(resource, namespace)).items if owned(each, uid)]
        except ApiError as error:
            archive.omit(f"objects/{kind}", str(error))
            continue
        archive.add_objects(kind, found)
        for pod in found if resource is PODS else ():
            await _add_logs(client, pod, archive)
    try:
        archive.add_objects("event", await events_of(client, namespace, uid))
    except ApiError as error:
        archive.omit("objects/event", str(error))


async def _add_logs(client: "Client", pod: Object, archive: "TeamArchive") -> None:
    from kagents_core.secretshapes import masked

    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        for previous in (True, False):
            if previous and not each.get("restartCount"):
                continue
            path = f"logs/{name}/{each['name']}{'.previous' if previous else ''}.log"
            data = await _log(client, pod, each["name"], path, archive, previous=previous)
            if data:
                archive.add(path, masked(data))


async def _log(
    client: "Client", pod: Object, container: str, path: str, archive: "TeamArchive", *, previous: bool
) -> bytes:
    """A container's log, its beginning if it is very long; empty when there is none."""
    from kagents_core.kube.errors import ApiError

    metadata, data = pod["metadata"], bytearray()
    try:
        async for part in client.logs(
            metadata["namespace"], metadata["name"], container=container, previous=previous
        ):
            data += part
            if len(data) > LOG_BYTES:
                archive.omit(path, f"what stands behind its first {LOG_BYTES} bytes")
                break
    except ApiError as error:
        archive.omit(path, str(error))
    return bytes(data[:LOG_BYTES])


async def _add_files(client: "Client", pod: Object, archive: "TeamArchive", limit: int) -> None:
    """What ``kagents-runner export`` prints in the pod, by way of a file of ours that has no name."""
    from kagents_core.api.constants import EXPORT
    from kagents_tui.cli.pod_output import write_output

    arguments = ["export", "--limit", str(limit)]
    with tempfile.TemporaryFile() as kept:
        await write_output(client, pod, EXPORT, arguments, kept, limit=limit + _SLACK, what="export")
        kept.seek(0)
        archive.take(kept)
