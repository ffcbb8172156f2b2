"""``make scan``: checkov over the rendered chart and over pods of teams, bandit over the packages.

The scanners have an environment of their own in ``.cache``, of pinned versions. Whatever they find is mended
or stands in ``waivers.yaml`` with its reason; a finding without a waiver, and a waiver without a finding, end
it with 1. There are no workflow files, so there is nothing for a scanner of workflows to look at.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml
from objects import ROOT, helm, rendered, team_pods

HERE: Final = Path(__file__).parent
PACKAGES: Final = ("core", "controller", "runner", "local", "tui")


@dataclass(frozen=True)
class Finding:
    """What a scanner does not like."""

    check: str
    where: str
    words: str


def environment() -> Path:
    """The scanners' own environment, made when their list has changed; its folder of programs."""
    wanted = HERE / "requirements.txt"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]
    place = ROOT / ".cache" / f"scan-{digest}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        print(f"scan: installing {' and '.join(wanted.read_text().split())}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(wanted)], check=True)
        (place / "ready").touch()
    return place / "bin"


def with_checkov(programs: Path, texts: dict[str, str]) -> list[Finding]:
    """Of Kubernetes objects, as YAML under their names."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / f"{name}.yaml").write_text(text)
        command = [str(programs / "checkov"), "--directory", folder, "--framework", "kubernetes"]
        options = ["--skip-download", "--quiet", "--compact", "--output", "json"]
        ran = subprocess.run([*command, *options], capture_output=True, text=True, cwd=folder)
    if ran.returncode not in (0, 1):
        raise SystemExit(f"scan: checkov failed:\n{ran.stderr[-2000:]}")
    told = json.loads(ran.stdout)
    if told["summary"]["parsing_errors"] or not told["summary"]["passed"]:
        raise SystemExit(f"scan: checkov could not read what it was given: {told['summary']}")
    print(f"scan: checkov {told['summary']['checkov_version']}: {told['summary']['passed']} checks passed")
    return [
        Finding(each["check_id"], each["resource"], f"{each['check_name']} ({each['file_path']})")
        for each in told["results"]["failed_checks"]
    ]


def with_bandit(programs: Path) -> list[Finding]:
    """Of our packages, from medium severity on: ``make lint`` has such rules of every severity (ruff's S)."""
    command = [str(programs / "bandit"), "--quiet", "--recursive", "-ll", "--format", "json", *PACKAGES]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if ran.returncode not in (0, 1):
        raise SystemExit(f"scan: bandit failed:\n{ran.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(ran.stdout)
    if told["errors"]:
        raise SystemExit(f"scan: bandit could not read {told['errors']}")
    high = told["metrics"]["_totals"]["SEVERITY.HIGH"]
    print(f"scan: bandit: {told['metrics']['_totals']['loc']} lines, {high} findings of high severity")
    return [
        Finding(
            each["test_id"],
            each["filename"],
            f"{each['issue_severity']}: {each['issue_text']} (line {each['line_number']})",
        )
        for each in told["results"]
    ]


def judged(findings: list[Finding], waivers: list[dict[str, Any]]) -> Iterator[str]:
    """What is left to do: findings without a waiver, and waivers without a finding."""
    used: set[int] = set()
    for finding in findings:
        for index, waiver in enumerate(waivers):
            if waiver["check"] == finding.check and fnmatchcase(finding.where, waiver["where"]):
                used.add(index)
                break
        else:
            yield f"{finding.check} {finding.where}: {finding.words}"
    for index, waiver in enumerate(waivers):
        if index not in used:
            yield f"the waiver of {waiver['check']} for {waiver['where']} is of no finding any more"


def main() -> int:
    """0 when nothing is left to do."""
    program = helm()
    if program is None:
        raise SystemExit(
            "scan: there is no helm to render the chart; install one, or let make cluster-up build it"
        )
    programs = environment()
    findings = [*with_checkov(programs, team_pods() | rendered(program)), *with_bandit(programs)]
    left = list(judged(findings, yaml.safe_load((HERE / "waivers.yaml").read_text())))
    for line in left:
        print(f"scan: {line}")
    print(f"scan: {len(findings)} findings, {len(left)} to do, the others have waivers")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
