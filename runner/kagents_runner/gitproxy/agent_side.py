"""The agent's side: git reaches the repository through the hub, without anybody telling it how.

Git takes ``kagents::repository`` for an address of a helper, ``git-remote-kagents``. It looks up where the
hub is today and goes on as git's own client for HTTPS, which asks another small program for the token. So
the token is in no argument, variable or configuration, and only its path is seen anywhere.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import replace_file
from kagents_runner.documents import AgentDocument, TeamDocument
from kagents_runner.gitproxy.keys import AGENT_FOLDER, TOKEN
from kagents_runner.hub_certificate import CERTIFICATE, HOST
from kagents_runner.locations import Locations

REMOTE: Final = "kagents::repository"

_HELPER: Final = """#!/bin/sh
own=@OWN@
address=@ADDRESS@
fail() { echo "kagents: $1" >&2; exit 128; }
[ "$2" = repository ] || fail "there is no such repository here"
tries=0
until [ -s "$address" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 30 ] || fail "the hub's git proxy is not there"
    sleep 1
done
IFS=' ' read -r host port <"$address"
case "$host" in *[!0-9a-fA-F:.]* | '') fail "the hub's address cannot be read" ;; esac
case "$port" in *[!0-9]* | '') fail "the hub's address cannot be read" ;; esac
unset HTTPS_PROXY https_proxy ALL_PROXY all_proxy GIT_SSL_NO_VERIFY GIT_SSL_CAPATH GIT_CURL_VERBOSE
unset GIT_TRACE_CURL
export GIT_SSL_CAINFO="$own/@CERTIFICATE@" GIT_ASKPASS="$own/bin/token"
export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=https
exec git -c credential.helper= -c http.proxy= -c http.followRedirects=false -c http.sslVerify=true \\
    -c "http.curloptResolve=@HOST@:$port:$host" \\
    remote-https "$1" "https://@AGENT@@@HOST@:$port/repository.git"
"""
_ASKED: Final = """#!/bin/sh
case "$1" in Password*@HOST@*) exec cat @TOKEN@ ;; esac
exit 1
"""


def with_repository(places: Locations, team: TeamDocument, agent: AgentDocument) -> Mapping[str, str]:
    """The container's variables, with those that lead git to the hub where the team wants that.

    Raises ``OSError`` when the programs cannot be put into the agent's home.
    """
    environment, repository = places.environment, team.repository
    if repository is None or repository.agent_access == "none":
        return environment
    own = places.home_dir / AGENT_FOLDER
    programs = own / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    address = places.team_dir / "git" / "address"
    helper = _filled(_HELPER, OWN=own, ADDRESS=address).replace("@CERTIFICATE@", CERTIFICATE)
    helper = helper.replace("@AGENT@", agent.name).replace("@HOST@", HOST)
    replace_file(programs / "git-remote-kagents", helper.encode(), mode=0o700)
    asked = _filled(_ASKED, TOKEN=own / TOKEN).replace("@HOST@", HOST)
    replace_file(programs / "token", asked.encode(), mode=0o700)
    return {**environment, **_settings(environment, repository.url, programs)}


def _filled(text: str, **paths: Path) -> str:
    for name, path in paths.items():
        text = text.replace(f"@{name}@", shlex.quote(str(path)))
    return text


def _settings(environment: Mapping[str, str], url: str, programs: Path) -> dict[str, str]:
    """Git's configuration by variables, after what the agent's own variables may say."""
    count = environment.get("GIT_CONFIG_COUNT", "")
    number = int(count) if count.isdecimal() else 0
    return {
        "PATH": f"{programs}:{environment.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        # The hub serves no large files: those that came after the clone stay pointers, none are uploaded.
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_LFS_SKIP_PUSH": "1",
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"url.{REMOTE}.insteadOf",
        f"GIT_CONFIG_VALUE_{number}": url,
    }
