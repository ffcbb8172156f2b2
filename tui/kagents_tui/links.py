"""The link of a team's work: its pull request, or its repository's page; and a browser for it.

Only plain web addresses are links: what a forge answers and what a manifest says is text from outside. The
browser starts in a session of its own, without our terminal: one that would paint into it finds none.
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from kagents_tui.delivery_states import delivery_of

LIMIT: Final = 2_000
"""Characters of an address."""

SECONDS: Final = 10.0
"""How long the browser's own starter may take; most hand on to a running browser and end."""

NONE_HERE: Final = 3
_STARTER: Final = f"""
import os, sys, webbrowser
try:
    browser = webbrowser.get()
except webbrowser.Error:
    sys.exit({NONE_HERE})
if type(browser) is webbrowser.GenericBrowser and not os.environ.get("BROWSER"):
    sys.exit({NONE_HERE})
sys.exit(0 if browser.open(sys.argv[1]) else 1)
"""
"""A generic browser that nobody asked for is one of the text browsers: it needs a terminal."""

_PLAIN: Final = re.compile(r"https?://[!-~]+")
_FOUND: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a browser may be given, and what it leads to."""

    url: str
    what: str


def safe_url(text: str) -> str | None:
    """The address if it is a plain web address without a password in it, else None."""
    if len(text) > LIMIT or not _PLAIN.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return text if parts.hostname and "@" not in parts.netloc and "\\" not in text else None


def link_of(team: Mapping[str, Any]) -> Link | None:
    """The team's pull request; while there is none, what its delivery names, or its repository's page."""
    delivery = delivery_of(team)
    if delivery is not None and (url := safe_url(delivery.url)):
        return Link(url, "the pull request")
    page = repository_page(team)
    if delivery is not None and page is not None:
        for found in _FOUND.findall(delivery.message):
            url = safe_url(found.rstrip(".,:;)"))
            if url and urlsplit(url).netloc == urlsplit(page).netloc:
                return Link(url, "what the delivery names")
    return Link(page, "the repository") if page else None


def repository_page(team: Mapping[str, Any]) -> str | None:
    """The page of a repository that is cloned over https (or http); None for every other address."""
    spec = team.get("spec")
    repository = spec.get("repository") if isinstance(spec, Mapping) else None
    url = repository.get("url") if isinstance(repository, Mapping) else None
    return safe_url(url.removesuffix("/").removesuffix(".git")) if isinstance(url, str) else None


async def open_in_browser(url: str, environment: Mapping[str, str] = os.environ) -> str:
    """Gives the address to the person's browser; why not, in a sentence, when that fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-c",
        _STARTER,
        url,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        code = await asyncio.wait_for(process.wait(), SECONDS)
    except TimeoutError:
        return ""  # a browser that was not running yet and stays in the foreground
    if code == NONE_HERE:
        return "there is no browser with a window here (BROWSER names one)"
    return "" if code == 0 else "the browser could not be started (BROWSER names another one)"
