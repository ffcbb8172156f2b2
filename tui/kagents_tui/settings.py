"""What a person may configure, with its defaults: plain data, so that nothing heavy is loaded for it.

``kagents_tui.configuration`` fills it from a file. Each field's ``doc`` goes into ``--print-config`` and
docs/configuration.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from annotated_types import Ge, Le

from kagents_core.detachkey import DEFAULT as DETACH

ThemeName = Literal["dark", "light", "high-contrast", "deuteranopia", "tritanopia"]
Notify = Literal["off", "bell", "osc9", "osc777"]
Minutes = Annotated[int, Ge(1), Le(10_080)]
Percent = Annotated[int, Ge(1), Le(100)]


def camel(name: str) -> str:
    """The name of a field as the file writes it: ``read_only`` is ``readOnly``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


STRICT: Final = {"extra": "forbid", "alias_generator": camel}
"""For pydantic: no unknown field, names as the file writes them."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on something needs attention."""

    __pydantic_config__ = STRICT

    stale_mail_minutes: Minutes = field(
        default=5, metadata={"doc": "Mail that nobody has read for so many minutes is stale."}
    )
    silent_agent_minutes: Minutes = field(
        default=10,
        metadata={"doc": "An agent with an open task and no sign of life for so many minutes is silent."},
    )
    budget_percent: Percent = field(
        default=80, metadata={"doc": "From so many percent of its budget on a team needs attention."}
    )


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """What holds for one context of the kubeconfig alone."""

    __pydantic_config__ = STRICT

    read_only: bool = field(
        default=False, metadata={"doc": "Bind no key that changes anything in this context."}
    )
    namespaces: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "Show these namespaces when nothing else was asked for; none: all of them."},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the configuration file can say. The command line wins over it."""

    __pydantic_config__ = STRICT

    theme: ThemeName = field(
        default="dark",
        metadata={
            "doc": "Colours. `:theme NAME` changes them and is remembered; it wins until this is changed."
            " NO_COLOR wins over all of them."
        },
    )
    ascii: bool = field(default=False, metadata={"doc": "Glyphs and lines in ASCII only."})
    mouse: bool = field(default=True, metadata={"doc": "false leaves the mouse to the terminal."})
    read_only: bool = field(
        default=False, metadata={"doc": "Bind no key that changes anything, in no context."}
    )
    restore: bool = field(
        default=True,
        metadata={"doc": "Open with the view, filters, sort orders and namespaces of the last time."},
    )
    notifications: Notify = field(
        default="osc9",
        metadata={
            "doc": "How a person is told of something new that needs them, while the terminal is not focused:"
            " off, bell, or a desktop notification by OSC 9 or OSC 777 (which one, depends on the terminal)."
        },
    )
    attention: Thresholds = field(
        default=Thresholds(), metadata={"doc": "From when on something needs attention."}
    )
    contexts: Mapping[str, ContextSettings] = field(
        default_factory=dict,
        metadata={"doc": "What holds for one context of the kubeconfig alone, by its name."},
    )
    detach_key: str = field(
        default=DETACH,
        metadata={"doc": "Leaves an agent's own screen, and the agent goes on: `ctrl-` and a letter or `]`."},
    )
    keys: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata={"doc": "Keys of an action instead of its own, by its id; an empty list: no key."},
    )

    def of_context(self, name: str) -> ContextSettings:
        """What is said about a context; the defaults when nothing is."""
        return self.contexts.get(name) or ContextSettings()
