"""What an action is: its keys, what it is about, whether it changes something, which permission it needs."""

from dataclasses import dataclass
from typing import Literal

Scope = str
"""A group of keys that screens share (``everywhere``, ``list``, ``view``, ``acts``) or one screen's own."""

Target = Literal["nothing", "team", "agent"]


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, as ``SelfSubjectAccessReview`` knows it."""

    verb: str
    resource: str
    """Attribute of ``kagents_core.api.resources``."""
    subresource: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    id: str
    keys: tuple[str, ...]
    title: str
    """One or two words for the footer."""
    help: str
    scopes: tuple[Scope, ...]
    target: Target = "nothing"
    mutates: bool = False
    dangerous: bool = False
    """It ends work or removes something: it always asks first, with Cancel focused."""
    needs: Need | None = None
    command: str | None = None
    """Its name on the ``:`` command line."""
    argument: str = ""
    footer: bool = False
    opens: str = ""
    """For a kind of the command line: its screen, ``module:Class``, imported when first opened."""
    across: str = ""
    """The kind of screen that shows the same of all teams, where an action that ``opens`` has one."""
    aliases: tuple[str, ...] = ()
    """Other names on the command line."""
    numbered: bool = False
    """Its keys mean the first, the second … of something; the screen is told which."""
