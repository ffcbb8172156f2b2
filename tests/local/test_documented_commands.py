"""Every command in README and guide is run, in its order, by a person with nothing but an installed kagents.

Blocks marked ``console`` are run. Blocks marked ``sh`` are not: their commands stand here with a reason.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/guide.md")
HELM = "helm install kagents charts/kagents --namespace kagents-system --create-namespace"
NOT_RUN = {
    "git clone <this repository> kagents && cd kagents": "the reader's own address",
    "make run": "tests/local/test_demonstration.py runs what it starts",
    "make images": "tests/cluster runs it",
    HELM: "tests/cluster runs it",
}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIMIT = 240.0

pytestmark = [pytest.mark.kubectl, pytest.mark.xdist_group("documented")]


def blocks(page: str, language: str) -> list[str]:
    return [body for found, body in BLOCK.findall((ROOT / page).read_text()) if found == language]


def commands(page: str) -> list[str]:
    lines = [line for body in blocks(page, "console") for line in body.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def kubectl() -> Path:
    found = os.environ.get("KAGENTS_KUBECTL") or str(ROOT / ".cache" / "kubectl")
    if not Path(found).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("there is no kubectl: tools/get-kubectl builds it")
        pytest.skip("there is no kubectl: tools/get-kubectl builds it")
    return Path(found)


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    """A fresh home, the examples beside it, a key that is none, and the commands on the PATH."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "kubectl").symlink_to(kubectl().resolve())
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "key.txt").write_text("not-a-key")
    return {
        "HOME": str(tmp_path),
        "PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KAGENTS_SIMULATION_SPEED": "10",
        "LANG": "C.UTF-8",
    }


@pytest.mark.timeout(LIMIT + 60)
@pytest.mark.parametrize("page", PAGES)
def test_every_documented_command_works(page: str, person: dict[str, str], tmp_path: Path) -> None:
    script = ["set -e", *(f"echo {_quoted('$ ' + line)}; {line}" for line in commands(page))]
    assert len(script) > 10
    try:
        done = subprocess.run(
            ["bash", "-c", "\n".join(script)],
            cwd=tmp_path,
            env=person,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
        )
    finally:
        down = ["kagents", "local", "down"]
        subprocess.run(down, env=person, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("page", PAGES)
def test_no_command_stands_there_untried(page: str) -> None:
    for body in blocks(page, "sh"):
        for line in filter(None, map(str.strip, body.splitlines())):
            assert line in NOT_RUN, (
                f"{page}: mark the block console, or say in NOT_RUN why {line!r} is not run"
            )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
