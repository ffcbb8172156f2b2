"""The default configuration, explained: for ``kagents-tui --print-config`` and docs/configuration.md.

``python -m kagents_tui.configuration_page docs/configuration.md`` writes the page.
"""

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from kagents_tui.actions import ACTIONS, shown_key
from kagents_tui.settings import ContextSettings, Settings, Thresholds, camel

WIDTH: Final = 100
INTRODUCTION: Final = """\
# Configuration of kagents-tui

Generated from `kagents_tui/settings.py` by `make generate`; do not edit.

The file is `$KAGENTS_CONFIG`, else `$XDG_CONFIG_HOME/kagents/config.yaml`, which is usually
`~/.config/kagents/config.yaml`; `kagents-tui --config FILE` names another one. Every field is optional, and
the command line wins over the file. A field that does not exist, a value that is not possible, and two
actions of one view with the same key are refused at the start, in one sentence with the way out.

    kagents-tui --print-config > config.yaml

prints the whole file with its defaults, every key included.

| field | value | default | what it does |
|---|---|---|---|"""
ENDING: Final = """\
## Keys

`keys` gives an action other keys, by the id that [keys.md](keys.md) shows. Footer, help and hints show the
keys that hold. Keys are written as the help shows them: a character (`G`, `'?'`, `'/'`), `space`, `tab`,
`enter`, `esc`, `up`, `f5`, or one with `ctrl-`, `alt-` or `shift-` in front. A terminal sends the same for
`ctrl-i` and `tab`, and for `ctrl-m` and `enter`: they are one key. An empty list takes the key away; what has
a command stays on the command line. What holds in questions, messages, the palette and lines for typing is
changed in the same way. What holds where text is typed takes no key that types there: no character, and
neither `enter` nor, for `quit` and `interrupt`, `tab`, `esc` and `backspace`. Questions and lines can always
be answered and left: `answer_no`, `give_up`, `choice_take` and `line_done` keep a key.

```yaml
theme: light
contexts:
  production:
    readOnly: true
    namespaces: [dev-agents, ops-agents]
keys:
  kill: [ctrl-x]
  help: ['?', f1]
  sort_cost: []
```

## What is remembered

`$XDG_STATE_HOME/kagents/terminal.json` (usually below `~/.local/state`) keeps the last view, how each
view was filtered and sorted, the namespaces of each context, the command lines that were typed, whether logs
are wrapped and have times, how far back the agent's log went, and the theme that was chosen by `:theme`. That
one wins over `theme` here, until `theme` is changed: the later choice holds.
Several terminals may run at once: each adds what it did. A file that cannot be read is set aside, and that is
said. `restore: false` reads and writes nothing of it.
"""
HEAD: Final = """\
Configuration of kagents-tui. Every field is optional; what is shown are the defaults.
Place: $KAGENTS_CONFIG, else $XDG_CONFIG_HOME/kagents/config.yaml (~/.config/kagents/config.yaml).
The command line wins over this file."""
KEYS: Final = (
    "Keys as the help shows them: a character (G, '?', '/'), space, tab, enter, esc, up, f5, or one with"
    " ctrl-, alt- or shift- in front. Two actions of one view with the same key are refused at the start."
)


def default_file() -> str:
    """The whole default configuration as YAML with comments; it reads as the defaults."""
    lines = [*comment(HEAD), ""]
    for each in fields(Settings):
        lines += [*comment(each.metadata["doc"]), *value_lines(each), ""]
    return "\n".join(lines).rstrip() + "\n"


def comment(text: str) -> Iterator[str]:
    """The text as comment lines."""
    for paragraph in text.split("\n"):
        yield from (f"# {line}" for line in textwrap.wrap(paragraph, WIDTH - 2))


def value_lines(each: "Field[Any]") -> Iterator[str]:
    """A field with its default, or an example in comments where the default is empty."""
    name = camel(each.name)
    if name == "attention":
        yield "attention:"
        for inner in fields(Thresholds):
            yield from (f"  {line}" for line in comment(inner.metadata["doc"]))
            yield f"  {camel(inner.name)}: {inner.default}"
    elif name == "contexts":
        yield from ("contexts:", "  # production:")
        for inner in fields(ContextSettings):
            yield from (f"  # {line}" for line in comment(inner.metadata["doc"]))
            example = "[dev-agents, ops-agents]" if inner.name == "namespaces" else "true"
            yield f"  #   {camel(inner.name)}: {example}"
    elif name == "keys":
        yield from comment(KEYS)
        yield "keys:"
        yield from (f"  # {action.id}: {key_list(action.keys)}" for action in ACTIONS)
    else:
        yield f"{name}: {str(each.default).lower()}"


def key_list(keys: tuple[str, ...]) -> str:
    """Keys as YAML writes a list."""
    return "[" + ", ".join(quoted(shown_key(key)) for key in keys) + "]"


def quoted(key: str) -> str:
    """A key, in quotes where YAML would read something else."""
    return key if key.replace("-", "").isalnum() else "'" + key.replace("'", "''") + "'"


def kind(each: "Field[Any]") -> str:
    """What a field's value is, in words."""
    found = each.type
    if found is bool:
        return "true or false"
    arguments = get_args(found)
    if get_origin(found) is not None and all(isinstance(word, str) for word in arguments):
        return ", ".join(f"`{word}`" for word in arguments)
    if arguments and arguments[0] is int:
        return f"{arguments[1].ge} to {arguments[2].le}"
    return "list of names" if found == tuple[str, ...] else "fields"


def row(each: "Field[Any]", prefix: str = "") -> str:
    """One line of the table of fields."""
    shown = each.default if isinstance(each.default, (bool, int, str)) else ""
    default = f"`{str(shown).lower()}`" if shown != "" else ""
    return f"| `{prefix}{camel(each.name)}` | {kind(each)} | {default} | {each.metadata['doc']} |"


def page() -> str:
    """docs/configuration.md. The keys of actions stand in docs/keys.md alone."""
    parts = [INTRODUCTION]
    for each in fields(Settings):
        if each.name == "attention":
            parts += [row(inner, "attention.") for inner in fields(Thresholds)]
        elif each.name == "contexts":
            parts += [row(inner, "contexts.NAME.") for inner in fields(ContextSettings)]
        elif each.name == "keys":
            parts.append(f"| `keys.ACTION` | list of keys | | {each.metadata['doc']} |")
        else:
            parts.append(row(each))
    return "\n".join([*parts, "", ENDING])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
