"""kubectl and helm as a person runs them, with the test's kubeconfig."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[3]
CHART = REPOSITORY / "charts" / "kagents"

Object = dict[str, Any]


class CommandFailed(AssertionError):  # noqa: N818  (it says what happened)
    """A command ended with another code than 0; ``output`` is what it said on stderr."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(f"{' '.join(command)}\n{output}")
        self.output = output


def run(
    command: Sequence[str],
    *,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 120.0,
) -> str:
    """A command's stdout. Raises CommandFailed."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(command, done.stderr + done.stdout)
    return done.stdout


@dataclass(frozen=True)
class Kubectl:
    """kubectl as one user, in one namespace when one is given."""

    program: str
    kubeconfig: str
    namespace: str | None = None

    def within(self, namespace: str) -> "Kubectl":
        """The same user in a namespace."""
        return Kubectl(self.program, self.kubeconfig, namespace)

    def __call__(self, *arguments: str, text: str | None = None, seconds: float = 120.0) -> str:
        place = ["--namespace", self.namespace] if self.namespace else []
        return run(
            [self.program, f"--kubeconfig={self.kubeconfig}", *place, *arguments], text=text, seconds=seconds
        )

    def refused(self, *arguments: str, text: str | None = None) -> str:
        """What a command that must fail says."""
        try:
            output = self(*arguments, text=text)
        except CommandFailed as failed:
            return failed.output
        raise AssertionError(f"kubectl {' '.join(arguments)} succeeded: {output}")

    def apply(self, *objects: Object, server_side: bool = False) -> str:
        """Apply objects."""
        text = yaml.safe_dump_all(objects)
        return self("apply", *(["--server-side"] if server_side else []), "-f", "-", text=text)

    def get(self, kind: str, name: str) -> Object | None:
        """One object, or None."""
        text = self("get", kind, name, "-o", "json", "--ignore-not-found")
        found: Object | None = json.loads(text) if text.strip() else None
        return found

    def list(self, kind: str, *arguments: str) -> list[Object]:
        """All objects of a kind."""
        items: list[Object] = json.loads(self("get", kind, "-o", "json", *arguments))["items"]
        return items


@dataclass(frozen=True)
class Helm:
    """helm on the test's cluster."""

    program: str
    kubeconfig: str
    cache: Path

    def refused(self, *arguments: str) -> str:
        """What a command that must fail says."""
        try:
            output = self(*arguments)
        except CommandFailed as failed:
            return failed.output
        raise AssertionError(f"helm {' '.join(arguments)} succeeded: {output}")

    def __call__(self, *arguments: str) -> str:
        folders = {
            f"HELM_{kind}_HOME": str(self.cache / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")
        }
        return run(
            [self.program, f"--kubeconfig={self.kubeconfig}", *arguments], environment=folders, seconds=240
        )
