"""The keys that actions really have: the registry's, unless the person's configuration gives others.

A person writes keys as the help shows them: ``ctrl-k``, ``G``, ``?``, ``space``, ``f5``. Inside they have
Textual's names: ``ctrl+k``, ``question_mark``.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import digits
from typing import Final

from kagents_tui.actions import BY_ID, SURFACES, Action, of_screen, shown_key
from kagents_tui.actions.dialogs import MADE_WITH_ENTER, TYPED

NAMED: Final = frozenset(
    ("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete")
) | frozenset(("backspace", "tab", "enter", "escape", "space", *(f"f{number}" for number in range(1, 25))))
SHORT: Final = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown", "del": "delete"}
SAME: Final = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+left_square_bracket": "escape",
    "ctrl+at": "ctrl+space",
    "ctrl+@": "ctrl+space",
}
"""A terminal sends the same for both, so they are one key."""
WAYS_OUT: Final = ("quit", "interrupt", "command")
NEEDED: Final = ("answer_no", "give_up", "choice_take", "line_done")
"""Without a key for these, a dialog could be neither answered nor left."""
FORMS: Final = (
    "a character (G, ?, /), space, tab, enter, esc, up, f5 …, or one with ctrl-, alt- or shift- in front"
)
_MODIFIED: Final = re.compile(r"((?:ctrl|alt|shift)[-+])+(?=.)", re.IGNORECASE)


class ImpossibleKeyError(Exception):
    """A key, or a set of keys, that cannot be; its text is one plain sentence without the field's name."""


def key_of(written: str) -> str:
    """The key that a person wrote, as Textual names it. Raises ``ImpossibleKeyError`` for what no key is."""
    match = _MODIFIED.match(written)
    modifiers = sorted(re.findall(r"[a-z]+", match.group().lower())) if match else []
    base = written[match.end() :] if match else written
    if len(base) == 1 and base.isprintable():
        base = _character(base, lower="ctrl" in modifiers)
    else:
        base = SHORT.get(base.lower(), base.lower())
        if base not in NAMED and not _is_character_name(base):
            raise ImpossibleKeyError(f"{written!r} is no key; a key is {FORMS}")
    if modifiers == ["shift"] and len(base) == 1 and base.isalpha():
        return base.upper()
    key = "+".join([*dict.fromkeys(modifiers), base])
    return SAME.get(key, key)


def _character(character: str, *, lower: bool) -> str:
    """The name of a printable character: letters and digits are their own."""
    from textual.keys import KEY_NAME_REPLACEMENTS

    if character.isalnum():
        return character.lower() if lower else character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _is_character_name(name: str) -> bool:
    """Whether it is a name such as ``question_mark``."""
    from textual.keys import key_to_character

    return len(name) > 1 and key_to_character(name) is not None


def _types(key: str, scopes: Sequence[str]) -> bool:
    """Whether the key is needed for typing, in these scopes."""
    from textual.keys import key_to_character

    if not TYPED.intersection(scopes):
        return False
    needed = {"enter"} if MADE_WITH_ENTER.intersection(scopes) else set()
    if "always" in scopes:
        needed = {"tab", "enter", "escape", "backspace"}
    character = key_to_character(key)
    return key in needed or (character is not None and character.isprintable())


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys by action id that differ from the registry; an empty tuple takes all keys away."""

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def apply(self, action: Action) -> Action:
        """The action with the keys it has now."""
        keys = self.changed.get(action.id)
        return action if keys is None else replace(action, keys=keys)

    def of_screen(self, screen: str, *, read_only: bool = False) -> Iterator[Action]:
        """As ``actions.of_screen``, with the keys that the actions have now."""
        return map(self.apply, of_screen(screen, read_only=read_only))

    def words(self, action_id: str) -> str:
        """The first key of an action as a person reads it; ``:command`` when it has none, or ``-``."""
        action = self.apply(BY_ID[action_id])
        return shown_key(action.keys[0]) if action.keys else f":{action.command}" if action.command else "-"

    def places(self, action_id: str, count: int) -> str:
        """The keys of the first places of a numbered action: ``1-3``; one by one where they are no digits."""
        keys = [shown_key(each) for each in self.apply(BY_ID[action_id]).keys[:count]]
        if len(keys) > 2 and "".join(keys) in digits:
            return f"{keys[0]}-{keys[-1]}"
        return " ".join(keys) or "-"

    def hint(self, surface: str) -> str:
        """The keys that a dialog shows, in one line: those of the same title together."""
        keys: dict[str, list[str]] = {}
        for action in self.of_screen(surface):
            if action.footer and action.keys:
                keys.setdefault(action.title, []).append(shown_key(action.keys[0]))
        return "  ".join(f"{' '.join(each)} {title}" for title, each in keys.items())

    def for_textual(self) -> dict[str, str]:
        """For ``App.set_keymap``: a numbered action keeps its places, others take all at the first."""
        found = {}
        for name, keys in self.changed.items():
            places = max(1, len(BY_ID[name].keys))
            numbered = BY_ID[name].numbered and len(keys) == places
            for number in range(places):
                mine = keys[number : number + 1] if numbered else keys if number == 0 else ()
                found[binding_id(name, number)] = ",".join(map(sent_as, mine)) or no_key(name)
        return found


def sent_as(key: str) -> str:
    """Textual's names, by commas, of what terminals send for a key: older ones send ctrl-@ for ctrl-space."""
    return "ctrl+space,ctrl+@" if key == "ctrl+space" else key


def binding_id(action_id: str, number: int) -> str:
    """How Textual knows the binding of an action's ``number``-th key of the registry."""
    return f"{action_id}-{number}"


def no_key(action_id: str) -> str:
    """A key that no terminal sends, for an action without one; the configuration may replace it."""
    return f"no-key-{action_id}"


def keymap_of(wanted: Mapping[str, Sequence[str]]) -> Keymap:
    """The keymap that a person wrote down, by action id.

    Raises ``ImpossibleKeyError`` for an unknown action, a key that is none or is needed for typing, two
    actions of one screen or dialog with the same key, or something that could not be left any more.
    """
    changed = {name: keys_of(name, keys) for name, keys in wanted.items()}
    keymap = Keymap(changed)
    for surface in SURFACES:
        for first, second, key in shared_keys(keymap.of_screen(surface)):
            mine, other = (first, second) if first in changed else (second, first)
            raise ImpossibleKeyError(
                f"keys.{mine}: {shown_key(key)} is also the key of {other} (view {surface!r});"
                f" give keys.{other} another key, or [] for none"
            )
    if not any(keymap.apply(BY_ID[name]).keys for name in WAYS_OUT):
        raise ImpossibleKeyError(
            f"keys: one of {', '.join(WAYS_OUT)} must keep a key, or the terminal cannot be left"
        )
    return keymap


def keys_of(name: str, keys: Sequence[str]) -> tuple[str, ...]:
    """The keys that a person gives one action. Raises ``ImpossibleKeyError`` where it cannot have them."""
    if name not in BY_ID:
        raise ImpossibleKeyError(f"keys.{name}: {unknown_action(name)}")
    action = BY_ID[name]
    try:
        found = tuple(dict.fromkeys(map(key_of, keys)))
    except ImpossibleKeyError as error:
        raise ImpossibleKeyError(f"keys.{name}: {error}") from None
    for key in found:
        if _types(key, action.scopes):
            raise ImpossibleKeyError(
                f"keys.{name}: holds also where text is typed, where {shown_key(key)} types;"
                " give it a key with ctrl- or alt-, or f1 to f24"
            )
    if action.numbered and len(found) not in (0, len(action.keys)):
        raise ImpossibleKeyError(
            f"keys.{name}: needs {len(action.keys)} keys, one for each place, or none at all;"
            f" {len(found)} were given"
        )
    if name in NEEDED and not found:
        raise ImpossibleKeyError(f"keys.{name}: must keep a key, or a dialog cannot be left")
    return found


def unknown_action(name: str) -> str:
    """That there is no such action, with the likeliest ones meant, and where all stand."""
    near = difflib.get_close_matches(name, BY_ID, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(sorted(BY_ID))}"
    return f"there is no action {name!r}; {hint} (docs/keys.md lists all)"


def shared_keys(actions: Iterable[Action]) -> Iterator[tuple[str, str, str]]:
    """Ids of two actions and the key that both claim."""
    claimed: dict[str, str] = {}
    for action in actions:
        for key in map(_one_name, action.keys):
            if claimed.get(key, action.id) != action.id:
                yield claimed[key], action.id, key
            claimed[key] = action.id


def _one_name(key: str) -> str:
    return SAME.get(key, key)


DEFAULT: Final = Keymap()
"""Every key as the registry has it."""
