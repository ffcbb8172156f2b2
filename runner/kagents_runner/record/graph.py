"""Objects that refer to each other as bytes and back, each kept once: a JSON document, and flat arrays.

Only named classes come back, with exactly the attributes that they have today; nothing is ever called.
"""

from array import array
from base64 import b64decode, b64encode
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Final

import orjson

Piece = bytes | memoryview
_PIECE: Final = 1024 * 1024

_SEQUENCES: Final[dict[str, Callable[[Iterable[Any]], Any]]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
}
_MAPPINGS: Final[dict[str, Callable[[Any], Any]]] = {
    "dict": dict,
    "Counter": lambda pairs: Counter(dict(pairs)),
    "OrderedDict": OrderedDict,
}


class UnfitError(ValueError):
    """Bytes that do not hold such objects, or objects that cannot be kept."""


def pack(value: object, classes: Sequence[type]) -> list[Piece]:
    """A value as bytes, in pieces."""
    packer = _Packer(classes)
    root = packer.encode(value)
    for position, each in enumerate(packer.found):  # grows meanwhile
        packer.told.append([packer.names[type(each)], packer.attributes(each)])
        assert len(packer.told) == position + 1
    arrays = [memoryview(each).cast("B") for each in packer.arrays]
    document = {"root": root, "objects": packer.told, "arrays": [len(each) for each in arrays]}
    try:
        header = orjson.dumps(document)
    except TypeError as error:  # a text or a number that JSON cannot hold
        raise UnfitError(str(error)) from error
    return [len(header).to_bytes(8, "big"), header, *arrays]


def unpack(file: BinaryIO, size: int, classes: Sequence[type]) -> Any:
    """The value that ``pack`` was given, from the next ``size`` bytes. Raises UnfitError."""
    try:
        header = int.from_bytes(file.read(8), "big")
        if not 0 < header <= size - 8:
            raise UnfitError("not as long as it says")
        document = orjson.loads(file.read(header))
        lengths = document["arrays"]
        if any(length < 0 for length in lengths) or sum(lengths) != size - 8 - header:
            raise UnfitError("not as long as it says")
        arrays = [_array(file, length) for length in lengths]
        return _Unpacker(document["objects"], arrays, classes).all(document["root"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise UnfitError(f"{type(error).__name__}: {error}") from error


def _array(file: BinaryIO, length: int) -> "array[int]":
    found = array("Q")
    while length > 0:
        piece = file.read(min(length, _PIECE))
        if not piece:
            raise UnfitError("it breaks off")
        found.frombytes(piece)
        length -= len(piece)
    return found


class _Packer:
    def __init__(self, classes: Sequence[type]) -> None:
        self.names = {each: each.__name__ for each in classes}
        self.found: list[object] = []
        self.told: list[Any] = []
        self.arrays: list[array[int]] = []
        self._numbers: dict[int, int] = {}

    def encode(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, float) or isinstance(value, str):
            return value  # a text that was cleaned comes back as what the journal has: a text
        if kind is bytes:
            return {"bytes": b64encode(value).decode()}
        if kind.__name__ in _SEQUENCES:
            return {kind.__name__: [self.encode(each) for each in value]}
        if kind.__name__ in _MAPPINGS:
            pairs = value.items()
            return {kind.__name__: [[self.encode(key), self.encode(each)] for key, each in pairs]}
        if kind is array:
            self.arrays.append(value)
            return {"array": len(self.arrays) - 1}
        if kind not in self.names:
            raise UnfitError(f"{kind.__name__} cannot be kept")
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.found)
            self.found.append(value)
        return {"object": self._numbers[id(value)]}

    def attributes(self, value: object) -> dict[str, Any]:
        names = attributes_of(type(value)) or vars(value)
        return {name: self.encode(getattr(value, name)) for name in names}


class _Unpacker:
    def __init__(self, told: Any, arrays: list["array[int]"], classes: Sequence[type]) -> None:
        known = {each.__name__: each for each in classes}
        self._told, self._arrays = told, arrays
        self._made: list[object] = [object.__new__(known[name]) for name, _ in told]

    def all(self, root: Any) -> Any:
        for made, (_, attributes) in zip(self._made, self._told, strict=True):
            names = attributes_of(type(made))
            if names and names != list(attributes):
                raise UnfitError(f"{type(made).__name__} has other parts now")
            for name, value in attributes.items():
                object.__setattr__(made, name, self._decode(value))
        return self._decode(root)

    def _decode(self, value: Any) -> Any:
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise UnfitError("a list without its kind")
            return value
        [(kind, given)] = value.items()
        if kind == "object":
            return self._made[given]
        if kind == "array":
            return self._arrays[given]
        if kind == "bytes":
            return b64decode(given)
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](self._decode(each) for each in given)
        return _MAPPINGS[kind]([(self._decode(key), self._decode(each)) for key, each in given])


def attributes_of(kind: type) -> list[str]:
    """The attributes of a class with slots; none of one without."""
    slots: Mapping[str, Any] | Sequence[str] = getattr(kind, "__slots__", ())
    return list(slots)
