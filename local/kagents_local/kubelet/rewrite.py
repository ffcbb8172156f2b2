"""Mount paths in text become the real directories of a process that has no mount namespace.

A path is replaced where a reader would see it as a whole path: not inside a longer word, not behind another
path, not as the beginning of a longer name. Text that is a JSON document is rewritten string by string, so
that its escapes are neither mistaken for text nor broken by a real path that needs some.
"""

import json
import re
from collections.abc import Callable, Mapping

_BEFORE = r"(?:(?<![\w.~@%+\-/})\]])|(?<=\\[nrt])|(?<=file://))"
"""Text in front of a path: no part of a name or of another path, but ``\\n`` as JSON spells it, and
``file://``."""

_AFTER = r"(?![\w\-@%+~]|\.[\w])"
"""Text behind it: a separator, or a full stop that ends a sentence."""

Rewriter = Callable[[str], str]


def mount_rewriter(mounts: Mapping[str, str]) -> Rewriter:
    """A function that replaces each mount path (key, absolute) by its directory (value), longest first.

    Every place is looked at once: what was put in is not searched again.
    """
    directories = {path.rstrip("/"): real for path, real in mounts.items() if path.rstrip("/")}
    if not directories:
        return lambda text: text
    ordered = sorted(directories, key=len, reverse=True)
    pattern = re.compile(f"{_BEFORE}(?:{'|'.join(map(re.escape, ordered))}){_AFTER}")

    def in_text(text: str) -> str:
        return pattern.sub(lambda match: directories[match[0]], text)

    def in_value(value: object) -> object:
        if isinstance(value, str):
            return rewrite(value)
        if isinstance(value, list):
            return [in_value(item) for item in value]
        if isinstance(value, dict):
            return {key: in_value(item) for key, item in value.items()}
        return value

    def rewrite(text: str) -> str:
        # A JSON document may spell a path with escapes (\/ or \u00e4), which only its strings reveal.
        if not pattern.search(text) and "\\" not in text:
            return text
        document = _json_document(text)
        if document is None:
            return in_text(text)
        changed = in_value(document)
        return text if changed == document else json.dumps(changed, ensure_ascii=False, separators=(",", ":"))

    return rewrite


def _json_document(text: str) -> dict[str, object] | list[object] | None:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, (dict, list)) else None
