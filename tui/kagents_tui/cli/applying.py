"""``kagents apply``: every document is checked first; nothing is applied when one of them is wrong."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api import resources
from kagents_core.api.resources import Resource
from kagents_tui.cli import exits, options, output
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

MANAGER: Final = "kagents-cli"

_PLAIN: Final = (
    resources.NAMESPACES,
    resources.SERVICE_ACCOUNTS,
    resources.SECRETS,
    resources.CONFIG_MAPS,
    resources.CLAIMS,
)
_ORDER: Final = (
    *_PLAIN,
    resources.AGENT_BUDGETS,
    resources.AGENT_TEAM_TEMPLATES,
    resources.AGENT_TEAMS,
    resources.AGENT_TEAM_RUNS,
)
"""What can be applied, and in which order: what others refer to comes first."""

_BY_KIND: Final = {(each.api_version, each.kind): each for each in _ORDER}
_SUFFIXES: Final = (".yaml", ".yml", ".json")

Document = tuple[str, dict[str, Any]]
"""Where an object came from, and the object."""


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "apply",
        "create or update what manifests describe; nothing is done when any document is wrong",
        (
            "kagents apply -f team.yaml",
            "kagents apply -f manifests/ -n dev-agents",
            "cat team.yaml | kagents apply -f -",
        ),
    )
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        required=True,
        metavar="FILE|DIR|-",
        help="manifests; may be repeated",
    )
    parser.add_argument("--create-namespace", action="store_true", help="make namespaces that are missing")
    parser.add_argument(
        "--force-conflicts", action="store_true", help="take over fields that others have set"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only check the documents, without an API server"
    )
    options.add_output(parser, ("table", "json", "yaml", "name"))
    options.add_connection(parser)
    parser.set_defaults(run=run)


async def run(arguments: argparse.Namespace) -> int:
    """Read, check, then apply."""
    documents = read(arguments.filename)
    check(documents, arguments.namespace)
    if arguments.dry_run:
        _say([(each, "valid") for _, each in documents], arguments.output)
        return exits.OK
    async with options.session(arguments) as session:
        place(documents, session.namespace)
        if arguments.create_namespace:
            await _make_namespaces(session.client, [each for _, each in documents])
        done = [await _apply(session.client, each, force=arguments.force_conflicts) for _, each in documents]
    _say(done, arguments.output)
    return exits.OK


def read(names: Sequence[str]) -> list[Document]:
    """Every object of the files. Raises CommandError that names all that cannot be read."""
    from kagents_core.api.manifests import ManifestError, read_manifest_file, read_manifest_stream

    found: list[Document] = []
    errors: list[str] = []
    for name in names:
        try:
            if name == "-":
                objects = read_manifest_stream(sys.stdin.buffer, source="standard input")
                found += [("standard input", each) for each in objects]
                continue
            for path in _files(Path(name)):
                found += [(str(path), each) for each in read_manifest_file(path)]
        except ManifestError as error:
            errors.append(str(error))
    if errors:
        raise CommandError(exits.REFUSED, *errors)
    if not found:
        raise CommandError(exits.FAILED, "there is nothing to apply")
    return found


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES and each.is_file())
    else:
        yield path


def resource_of(document: Mapping[str, Any]) -> Resource | None:
    """The resource of a kind that can be applied."""
    return _BY_KIND.get((str(document.get("apiVersion")), str(document.get("kind"))))


def check(documents: list[Document], namespace: str | None) -> None:
    """Refuse with every reason there is; sorts the documents into the order to apply them."""
    from kagents_core.api.constants import GROUP
    from kagents_core.api.validation import validate

    errors = []
    for source, each in documents:
        label = f"{source}: {_label(each)}"
        if str(each.get("apiVersion", "")).startswith(f"{GROUP}/") or each.get("apiVersion") is None:
            errors += [f"{label}: {error}" for error in validate(each)]
        elif resource_of(each) is None:
            errors.append(f"{label}: kagents does not apply this kind; use kubectl")
        metadata = each.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
            if resource_of(each) in _PLAIN or not isinstance(metadata, dict) or "generateName" in metadata:
                errors.append(f"{label}: metadata.name: a name is required")
        elif namespace and metadata.get("namespace") not in (None, namespace):
            errors.append(f"{label}: metadata.namespace is {metadata['namespace']}, but -n says {namespace}")
    if errors:
        raise CommandError(exits.REFUSED, *dict.fromkeys(errors))
    documents.sort(key=lambda document: _rank(document[1]))


def _rank(document: Mapping[str, Any]) -> int:
    resource = resource_of(document)
    return _ORDER.index(resource) if resource in _ORDER else len(_ORDER)


def _label(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{document.get('kind') or 'object'} {name or 'without name'}"


def place(documents: Sequence[Document], namespace: str) -> None:
    """Give every namespaced object that names none the session's namespace."""
    for _, each in documents:
        resource = resource_of(each)
        if resource is not None and resource.namespaced:
            each["metadata"].setdefault("namespace", namespace)


async def _make_namespaces(client: "Client", documents: Sequence[Mapping[str, Any]]) -> None:
    from kagents_core.kube.errors import AlreadyExists, NotFound

    own = {each["metadata"]["name"] for each in documents if each["kind"] == "Namespace"}
    needed = dict.fromkeys(each["metadata"].get("namespace") for each in documents)
    for name in needed:
        if name is None or name in own:
            continue
        try:
            await client.get(resources.NAMESPACES, None, name)
        except NotFound:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            try:
                await client.create(resources.NAMESPACES, None, body)
            except AlreadyExists:
                continue
            options.note(f"created namespace {name}")


async def _apply(client: "Client", document: Mapping[str, Any], *, force: bool) -> tuple[dict[str, Any], str]:
    """The object as applied, and whether it was created, configured or unchanged."""
    from kagents_core.kube.errors import Conflict, KubeError, NotFound

    resource = resource_of(document)
    if resource is None:
        raise CommandError(
            exits.REFUSED, f"{_label(document)}: kagents does not apply this kind; use kubectl"
        )
    metadata = document["metadata"]
    body = {key: value for key, value in document.items() if key != "status"}
    namespace, name = metadata.get("namespace"), metadata["name"]
    try:
        before = (await client.get(resource, namespace, name))["metadata"]["resourceVersion"]
    except NotFound:
        before = None
    try:
        applied = await client.apply(resource, namespace, name, body, manager=MANAGER, force=force)
    except Conflict as error:
        hint = " (--force-conflicts takes the fields over)" if "onflict" in str(error) else ""
        raise CommandError(exits.REFUSED, f"{_label(document)}: {error}{hint}") from None
    except KubeError as error:
        missing = isinstance(error, NotFound) and "namespaces" in str(error)
        hint = " (--create-namespace makes it)" if missing else ""
        raise CommandError(exits.code_of(error), f"{_label(document)}: {error}{hint}") from None
    if before is None:
        return applied, "created"
    return applied, "unchanged" if applied["metadata"]["resourceVersion"] == before else "configured"


def _say(done: Sequence[tuple[dict[str, Any], str]], form: str) -> None:
    if form == "json":
        output.write_json(output.as_list([each for each, _ in done]))
    elif form == "yaml":
        output.write_yaml(output.as_list([each for each, _ in done]))
    else:
        for each, how in done:
            name = full_name(each)
            output.write(f"{name}\n" if form == "name" else f"{name} {how}\n")


def full_name(document: Mapping[str, Any]) -> str:
    """``agentteam.claude.amcheste.io/q3-report``, as kubectl writes it."""
    resource = resource_of(document)
    kind = resource.singular if resource else str(document.get("kind", "")).lower()
    group = f".{resource.group}" if resource and resource.group else ""
    return f"{kind}{group}/{document['metadata']['name']}"
