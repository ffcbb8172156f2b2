"""What a foreign program draws, let through to a person's terminal only as far as it draws.

Everything is dropped but text and a list of harmless sequences: moving the cursor, erasing, colours, and the
modes a picture needs. So nothing sets the title or the clipboard, asks the terminal what it would answer by
typing, changes how keys are sent, rings, prints, erases what was scrolled off, or outlives ``ending``.
"""

import codecs
import re
from typing import Final

_TOKEN: Final = re.compile(
    r"(?P<csi>\x1b\[(?P<prefix>[<-?]?)(?P<parameters>[0-9:;]*)(?P<between>[ -/]*)(?P<final>[@-~]))"
    r"|(?P<string>\x1b[\]PX^_][^\x07\x18\x1a\x1b\x9c]*(?:[\x07\x18\x1a\x9c]|\x1b\\|(?=\x1b[^\\])))"
    r"|(?P<unfinished>\x1b(?:\[[<-?]?[0-9:;]*[ -/]*|[\]PX^_][^\x07\x18\x1a\x1b\x9c]*\x1b?|[ -/]*)\Z)"
    r"|(?P<charset>\x1b[()][ -~])"
    r"|(?P<escape>\x1b(?:[ -/]+[0-~]|[0-OQ-WYZ\\`-~]))"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
    r"|(?P<invisible>[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e0fff])"
)
_STRING_END: Final = re.compile(r"[\x07\x18\x1a\x9c]|\x1b\\|(?=\x1b[^\\])")
_LONGEST: Final = 4096
"""Characters of a sequence that is waited for; of a longer one, the rest is dropped as it comes."""

_KEPT_CONTROLS: Final = frozenset("\b\t\n\r\x0e\x0f")
_KEPT_ESCAPES: Final = frozenset("\x1b" + final for final in "78DEHM=>")
_KEPT_CHARSETS: Final = frozenset(("\x1b(B", "\x1b(0", "\x1b)B", "\x1b)0"))
_KEPT_FINALS: Final = frozenset("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu")
_KEPT_MODES: Final = frozenset((1, 6, 7, 12, 25, 47, 1047, 1048, 1049, 2004, 2026))
_SCREENS: Final = frozenset((47, 1047, 1049))
_LARGEST: Final = 9999

_RESET: Final = (
    "\x1b[?2026l\x1b[?2004l\x1b[?1l\x1b>\x1b[?6l\x1b[?7h\x1b[?12l\x1b[4l"
    "\x1b[r\x1b[0m\x1b(B\x1b)B\x0f\x1b[0 q\x1b[?25h"
)


class TerminalFilter:
    """One stream of output on its way to one terminal. Memory is bounded, whatever comes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._swallowing = False
        self.alternate = False
        """Whether the alternate screen is shown now."""

    def feed(self, data: bytes) -> bytes:
        """What of ``data`` may be written to the terminal; an unfinished sequence waits for the next call."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        if self._swallowing:
            text = self._swallow(text)
        return _TOKEN.sub(self._let_through, text).encode("utf-8", "replace")

    def ending(self) -> bytes:
        """Puts the terminal back into the state that a shell expects, the cursor on a new last line."""
        self._rest, self._swallowing = "", False
        leave = "\x1b[?1049l" if self.alternate else ""
        self.alternate = False
        return f"{_RESET}{leave}\x1b[{_LARGEST};1H\r\n".encode()

    def _swallow(self, text: str) -> str:
        """Drops the rest of a string that was too long to be waited for."""
        end = _STRING_END.search(text)
        if end is None:
            self._rest = "\x1b" if text.endswith("\x1b") else ""
            return ""
        self._swallowing = False
        return text[end.end() :]

    def _let_through(self, match: re.Match[str]) -> str:
        kind, whole = match.lastgroup, match.group()
        if match["csi"] is not None:
            return self._control_sequence(match)
        if kind == "unfinished":
            self._wait_for_more(whole)
            return ""
        if kind == "charset":
            return whole if whole in _KEPT_CHARSETS else ""
        if kind == "escape":
            return whole if whole in _KEPT_ESCAPES else ""
        if kind == "control":
            return whole if whole in _KEPT_CONTROLS else ""
        return "\ufffd" if kind == "invisible" else ""

    def _wait_for_more(self, start: str) -> None:
        if len(start) <= _LONGEST:
            self._rest = start
        elif start[1] in "]PX^_":
            self._swallowing = True
            self._rest = "\x1b" if start.endswith("\x1b") else ""

    def _control_sequence(self, match: re.Match[str]) -> str:
        prefix, parameters, between, final = (
            match["prefix"],
            match["parameters"],
            match["between"],
            match["final"],
        )
        if prefix == "?" and final in "hl" and not between:
            return self._modes(parameters, final)
        if final == "q" and between == " " and not prefix and parameters in ("", *"0123456"):
            return match.group()
        if final == "p" and between == "!" and not prefix and not parameters:
            return match.group()
        if prefix or between or (final not in _KEPT_FINALS and not (final in "hl" and parameters == "4")):
            return ""
        if final in "su" and parameters:
            return ""
        if final == "J" and "3" in parameters:
            return "\x1b[2J"  # what was scrolled off is the person's
        if any(len(each) > 4 for each in re.split("[:;]", parameters)):
            return ""
        return match.group()

    def _modes(self, parameters: str, final: str) -> str:
        wanted = [int(each) for each in parameters.split(";") if each and len(each) <= 4]
        kept = [each for each in wanted if each in _KEPT_MODES]
        if _SCREENS.intersection(kept):
            self.alternate = final == "h"
        return f"\x1b[?{';'.join(map(str, kept))}{final}" if kept else ""
