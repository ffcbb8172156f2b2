"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from copy import deepcopy
from typing import Any

from kagents_local.apiserver.errors import RefusalError, bad_request

MAX_OPERATIONS = 10_000
"""Operations that one JSON patch may have (as Kubernetes limits it)."""


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with the patch laid over it; null removes a key."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(document: Any, operations: Any) -> Any:
    """The document after all operations. Raises a 400 refusal for a malformed patch and 422 for one that
    does not fit."""
    if not isinstance(operations, list):
        raise bad_request("a JSON patch is a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise RefusalError(413, "RequestEntityTooLarge", f"a JSON patch may have {MAX_OPERATIONS} operations")
    root = {"": deepcopy(document)}
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
            raise bad_request("every operation of a JSON patch is an object with op and path")
        _operate(root, operation)
    return root[""]


def _operate(root: dict[str, Any], operation: dict[str, Any]) -> None:
    name, path = operation.get("op"), _pointer(operation["path"])
    if name in ("add", "replace", "test") and "value" not in operation:
        raise bad_request(f"the operation {name} needs a value")
    if name == "add":
        _add(root, path, deepcopy(operation["value"]))
    elif name == "remove":
        _remove(root, path)
    elif name == "replace":
        _read(root, path)
        _remove(root, path)
        _add(root, path, deepcopy(operation["value"]))
    elif name == "test":
        found = _read(root, path, missing=None)
        if found != operation["value"]:
            raise _unfit(f"testing value {operation['path']} failed")
    elif name in ("move", "copy"):
        source = _pointer(str(operation.get("from", "")))
        value = deepcopy(_read(root, source))
        if name == "move":
            _remove(root, source)
        _add(root, path, value)
    else:
        raise bad_request(f"unknown operation {name!r} in a JSON patch")


def _unfit(message: str) -> RefusalError:
    text = f"the server rejected our request due to an error in our request: {message}"
    causes = [{"reason": "FieldValueInvalid", "message": message, "field": "patch"}]
    return RefusalError(422, "Invalid", text, {"causes": causes})


def _pointer(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise bad_request(f"a JSON pointer begins with /: {path!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def _index(items: list[Any], text: str, *, end: int) -> int:
    if not text.isdecimal() or int(text) > end:
        raise _unfit(f"index {text!r} is outside the list")
    return int(text)


_REQUIRED = object()


def _step(container: Any, part: str, missing: Any = _REQUIRED) -> Any:
    if isinstance(container, dict) and part in container:
        return container[part]
    if isinstance(container, list) and (part.isdecimal() and int(part) < len(container)):
        return container[int(part)]
    if missing is _REQUIRED:
        raise _unfit(f"there is nothing at {part!r}")
    return missing


def _read(root: Any, path: list[str], missing: Any = _REQUIRED) -> Any:
    value = root
    for part in path:
        value = _step(value, part, missing)
    return value


def _add(root: Any, path: list[str], value: Any) -> None:
    container = _read(root, path[:-1])
    if isinstance(container, dict):
        container[path[-1]] = value
    elif isinstance(container, list):
        at = len(container) if path[-1] == "-" else _index(container, path[-1], end=len(container))
        container.insert(at, value)
    else:
        raise _unfit(f"nothing can be added to {'/'.join(path[:-1]) or '/'}")


def _remove(root: Any, path: list[str]) -> None:
    container = _read(root, path[:-1])
    _step(container, path[-1])
    if isinstance(container, dict):
        del container[path[-1]]
    else:
        del container[int(path[-1])]
