"""Safe reading of manifests: YAML or JSON of a stranger, with limits on size, depth, nodes and aliases."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import yaml

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_NODES: Final = 50_000
"""Values in all documents together; an alias counts as often as it is used."""

_TAG: Final = "tag:yaml.org,2002:"
_CONSTANTS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class ManifestError(ValueError):
    """A manifest that cannot be read; its text is one plain sentence that names the source."""


def read_manifests(data: bytes, *, source: str) -> list[dict[str, Any]]:
    """Every object in a manifest, in order; the items of a ``List`` one by one.

    ``source`` is what errors call the manifest, such as a file name. Raises ManifestError. Nothing is
    expanded before it is counted, so a refused manifest costs little time and memory.
    """
    if len(data) > MAX_BYTES:
        raise ManifestError(f"{source}: a manifest has at most {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{source}: byte {error.start} is not UTF-8 text") from None
    documents = _read_json(text, source) if text.lstrip()[:1] == "{" else None
    if documents is None:
        documents = read_yaml(text, source)
    return [each for document in documents for each in _objects(document, source)]


def read_manifest_file(path: Path) -> list[dict[str, Any]]:
    """The objects in a file. Raises ManifestError, also when it cannot be opened or is too large."""
    try:
        with path.open("rb") as file:
            return read_manifest_stream(file, source=str(path))
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror or error}") from None


def read_manifest_stream(stream: IO[bytes], *, source: str) -> list[dict[str, Any]]:
    """The objects in a stream, of which at most the allowed size is read. Raises ManifestError."""
    return read_manifests(stream.read(MAX_BYTES + 1), source=source)


def _objects(document: Any, source: str) -> Iterator[dict[str, Any]]:
    if document is None:
        return
    if not isinstance(document, dict):
        raise ManifestError(f"{source}: a document is a mapping with apiVersion, kind and metadata")
    if document.get("kind") != "List":
        yield document
        return
    items = document.get("items")
    if not isinstance(items, list):
        raise ManifestError(f"{source}: a List needs a list of items")
    for item in items:
        if not isinstance(item, dict):
            raise ManifestError(f"{source}: every item of a List is a mapping")
        yield item


def _read_json(text: str, source: str) -> list[Any] | None:
    """The one JSON document, or None when it is not JSON (a YAML mapping may start with a brace too)."""
    if sum(map(text.count, ",{[")) > MAX_NODES * 4:
        raise ManifestError(f"{source}: a manifest has at most {MAX_NODES} values")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ManifestError(f"{source}: key {_shown(key)} is there twice in one mapping")
            found[key] = value
        return found

    def refuse(name: str) -> Any:
        raise ManifestError(f"{source}: {name} is not a number that a manifest may hold")

    try:
        document = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise ManifestError(f"{source}: values are nested deeper than {MAX_DEPTH} levels") from None
    except ManifestError:
        raise
    except ValueError:
        return None
    _check_depth(document, source)
    return [document]


def _check_depth(document: Any, source: str) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ManifestError(f"{source}: values are nested deeper than {MAX_DEPTH} levels")
        level = [
            child
            for each in level
            if isinstance(each, (dict, list))
            for child in (each.values() if isinstance(each, dict) else each)
        ]


def read_yaml(text: str, source: str) -> list[Any]:
    loader = yaml.CSafeLoader(text)
    reader = _YamlReader(loader, source)
    try:
        return list(reader.documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" line {mark.line + 1}" if mark else ""
        raise ManifestError(f"{source}:{place} {error.problem or 'this is not YAML'}") from None
    except yaml.YAMLError as error:
        raise ManifestError(f"{source}: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= 40 else text[:39] + "…")


class _YamlReader:
    """Builds values straight from libyaml's events, so that limits hold before anything is built."""

    def __init__(self, loader: yaml.CSafeLoader, source: str) -> None:
        self._loader = loader
        self._source = source
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int]] = {}

    def documents(self) -> Iterator[Any]:
        """The value of each document."""
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._value(self._next(), 1)

    def _next(self) -> Any:
        return self._loader.get_event()

    def _refuse(self, event: Any, sentence: str) -> ManifestError:
        return ManifestError(f"{self._source}: line {event.start_mark.line + 1}: {sentence}")

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._refuse(
                event, f"a manifest has at most {MAX_NODES} values, aliases counted as often as used"
            )

    def _value(self, event: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._refuse(event, f"values are nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._refuse(event, f"alias {_shown(str(event.anchor))} points to nothing before it")
            value, nodes = self._anchors[event.anchor]
            self._count(event, nodes)
            return value
        before = self._nodes
        self._count(event, 1)
        value = self._build(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _build(self, event: Any, depth: int) -> Any:
        if not isinstance(event, yaml.ScalarEvent) and event.tag not in (None, f"{_TAG}map", f"{_TAG}seq"):
            raise self._refuse(event, f"tag {_shown(event.tag)} is not allowed")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(following := self._next(), yaml.SequenceEndEvent):
                items.append(self._value(following, depth + 1))
            return items
        return self._scalar(event)

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refuse(event, "a key is a text, not an alias, a list or a mapping")
            self._count(event, 1)
            if event.value in found:
                raise self._refuse(event, f"key {_shown(event.value)} is there twice in one mapping")
            value = self._value(self._next(), depth + 1)
            if event.value == "<<" and event.implicit[0]:
                merged = self._merged(event, value) | merged
            else:
                found[event.value] = value
        return merged | found

    def _merged(self, event: Any, value: Any) -> dict[str, Any]:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in sources):
            raise self._refuse(event, "<< merges a mapping or a list of mappings")
        result: dict[str, Any] = {}
        for each in reversed(sources):
            result |= each
        return result

    def _resolve(self, text: str, implicit: tuple[bool, bool]) -> str:
        return str(self._loader.resolve(yaml.ScalarNode, text, implicit))  # type: ignore[no-untyped-call]

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolve(text, event.implicit) if tag is None else f"{_TAG}str"
        if tag == f"{_TAG}null":
            return None
        if tag == f"{_TAG}bool" and text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if tag in (f"{_TAG}int", f"{_TAG}float") and ":" not in text:
            return self._number(event, tag, text)
        if tag in (
            f"{_TAG}str",
            f"{_TAG}timestamp",
            f"{_TAG}int",
            f"{_TAG}float",
            f"{_TAG}value",
            f"{_TAG}merge",
        ):
            return text
        raise self._refuse(event, f"tag {_shown(tag)} is not allowed")

    def _number(self, event: Any, tag: str, text: str) -> int | float:
        try:
            if len(text) > 40:
                raise ValueError(text)
            if tag == f"{_TAG}int":
                plain = text.replace("_", "")
                octal = plain.lstrip("+-").startswith("0") and plain.lstrip("+-0").isdigit()
                return int(plain, 8 if octal else 0)
            number = float(text.replace("_", ""))
        except ValueError:
            raise self._refuse(event, f"{_shown(text)} is not a number that a manifest may hold") from None
        if number - number != 0:
            raise self._refuse(event, f"{_shown(text)} is not a number that a manifest may hold")
        return number
