"""YAML without surprises, for a person's file: every value is text, a field stands once, no aliases.

So ``off``, ``y``, ``~`` and ``1`` are what they look like; whoever reads the document turns text into values.
"""

from typing import Any, Final

import yaml

_DEEPEST: Final = 20


class _Loader(yaml.BaseLoader):
    """Strings, lists and mappings."""

    def fetch_flow_collection_start(self, kind: Any) -> None:
        """Refuses deep brackets: each would be looked at again for every one inside it."""
        if self.flow_level >= _DEEPEST:
            raise yaml.scanner.ScannerError(
                None,
                None,
                f"brackets are nested deeper than {_DEEPEST} levels",
                self.get_mark(),
            )
        super().fetch_flow_collection_start(kind)

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuses aliases: a small file could unfold into one without end."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None,
                None,
                "anchors and aliases (&, *) are not supported",
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        """Refuses half of a character, which can be escaped in YAML and written nowhere."""
        value = super().construct_scalar(node)
        try:
            str(value).encode()
        except UnicodeEncodeError:
            raise yaml.constructor.ConstructorError(
                None, None, "half of a character (\\ud800 to \\udfff) stands alone", node.start_mark
            ) from None
        return value

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuses a field that is given twice: one of the two would be lost in silence."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a field's name must be a plain word", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=True)


def load(text: bytes) -> Any:
    """The document; an empty one is a mapping. Raises ``yaml.YAMLError``, ValueError for odd bytes."""
    document = yaml.load(text, Loader=_Loader)  # noqa: S506 - it makes nothing but text, lists and mappings
    return {} if document in (None, "") else document
