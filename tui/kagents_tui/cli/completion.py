"""``kagents completion``: the script for a shell, which asks ``kagents __complete`` at every tab."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Final

from kagents_tui.cli import completing, exits, options, output
from kagents_tui.cli.completing import FILES, FOLDERS, Candidate
from kagents_tui.cli.options import Parser

HIDDEN: Final = "__complete"
"""The first word with which the scripts ask; behind it ``--`` and the words of the line up to the cursor."""

PATHS: Final = {FILES: ":files", FOLDERS: ":folders"}
"""Instead of candidates: the shell completes paths by itself."""

SAFE: Final = re.compile(r"[A-Za-z0-9@%:,._/+=-]+")
"""What a shell takes as one word as it is. Other names are left out rather than quoted."""

BASH: Final = """\
# kagents: completion for bash. Load it with: source <(kagents completion bash)
_kagents() {
    local current="${COMP_WORDS[COMP_CWORD]}" candidate first=""
    local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cword
        _get_comp_words_by_ref -n =: -c current -w words -i cword
        words=("${words[@]:1:cword}")
    fi
    COMPREPLY=()
    while IFS= read -r candidate; do
        candidate="${candidate%%$'\\t'*}"
        case "$candidate" in
            :files) compopt -o filenames 2>/dev/null; first=-f ;;
            :folders) compopt -o filenames 2>/dev/null; first=-d ;;
            *) COMPREPLY+=("$candidate") ;;
        esac
    done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
    if [ -n "$first" ]; then
        while IFS= read -r candidate; do
            COMPREPLY+=("$candidate")
        done < <(compgen "$first" -- "$current")
    elif declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$current"
    fi
}
complete -F _kagents kagents
"""

ZSH: Final = """\
#compdef kagents
# kagents: completion for zsh. Load it with: source <(kagents completion zsh)
_kagents() {
    local candidate meaning
    local -a found
    while IFS=$'\\t' read -r candidate meaning; do
        case "$candidate" in
            :files) _files; return ;;
            :folders) _files -/; return ;;
            *) found+=("${candidate//:/\\\\:}${meaning:+:$meaning}") ;;
        esac
    done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe kagents found
}
if [ "$funcstack[1]" = "_kagents" ]; then
    _kagents "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit; compinit; }
    compdef _kagents kagents
fi
"""

FISH: Final = """\
# kagents: completion for fish. Load it with: kagents completion fish | source
function __kagents_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    switch "$found[1]"
        case ':files'
            __fish_complete_path "$current"
        case ':folders'
            __fish_complete_directories "$current"
        case '*'
            printf '%s\\n' $found
    end
end
complete -c kagents -f -a '(__kagents_complete)'
"""

SCRIPTS: Final = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def register(verbs: options.Verbs) -> None:
    """Add the verb."""
    parser = options.verb(
        verbs,
        "completion",
        "print a script that completes verbs, options and live names in a shell",
        (
            "source <(kagents completion bash)",
            "source <(kagents completion zsh)",
            "kagents completion fish | source",
        ),
    )
    parser.add_argument("shell", choices=tuple(SCRIPTS), metavar="SHELL", help=f"one of {', '.join(SCRIPTS)}")
    parser.set_defaults(run=completion)


async def completion(arguments: argparse.Namespace) -> int:
    """Print the script."""
    output.write(SCRIPTS[arguments.shell])
    return exits.OK


def answer(parser: Parser, words: Sequence[str]) -> int:
    """What the scripts are told: a candidate a line, behind a tab its meaning; or ``PATHS``."""
    found = found_for(parser, list(words[1:] if words[:1] == ["--"] else words))
    lines = [PATHS[found]] if isinstance(found, str) else [told(each) for each in found]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return exits.OK


def found_for(parser: Parser, words: list[str]) -> list[Candidate] | str:
    """The candidates that a shell can take, or which paths it should look for."""
    from kagents_tui.cli.names import names

    found = completing.candidates(parser, words, names)
    return found if isinstance(found, str) else [each for each in found if SAFE.fullmatch(each.word)]


def told(candidate: Candidate) -> str:
    """A candidate as a line; its meaning is harmless for a terminal."""
    from kagents_core.safetext import clean

    meaning = clean(candidate.meaning, limit=200, multiline=False)
    return f"{candidate.word}\t{meaning}" if meaning else candidate.word
