"""Mutation testing of the reconciler's rules: ``python -m tests.mutation [--only MODULE …]``.

mutmut wants a project whose folders are named as its packages are, so one is laid out beside the caches:
links to the real packages and tests, and its settings. What was judged once is judged again only when it
has changed.
"""

import argparse
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORK = ROOT / ".cache" / "mutants"
MUTATED = "kagents_core/reconcile"

LINKS = {
    "kagents_core": "core/kagents_core",
    "conftest.py": "tests/mutation/staged_conftest.py",
    "tests/conftest.py": "tests/conftest.py",
    "tests/conformance": "tests/conformance",
    "tests/fixtures": "tests/fixtures",
    "tests/simulation": "tests/simulation",
    "tests/unit/reconcile": "tests/unit/reconcile",
}
"""What the laid out project consists of, by its path there."""

SETTINGS = f"""\
[tool.mutmut]
source_paths = ["kagents_core"]
only_mutate = ["{MUTATED}/*"]
also_copy = ["conftest.py"]
use_git_change_detection = false
timeout_constant = 5.0
timeout_multiplier = 5.0
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long"]
pytest_add_cli_args_test_selection = [
    "tests/unit/reconcile",
    "tests/simulation/test_replays.py",
    "tests/simulation/test_simulation.py",
]

[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
addopts = "--import-mode=importlib --strict-markers"
markers = ["long: many seconds"]
"""

KILLED = ("killed", "timeout", "segfault")


def lay_out(work: Path) -> None:
    """The project that mutmut takes."""
    for path, target in LINKS.items():
        link = work / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / target)
    (work / "pyproject.toml").write_text(SETTINGS)


def mutmut(*arguments: str, quiet: bool = False, **environment: str) -> str:
    """Run mutmut in that project; quietly, what it prints is returned."""
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": "0", **environment}
    done = subprocess.run(command, cwd=WORK, env=environment, check=True, text=True, capture_output=quiet)
    return done.stdout or ""


def judge(modules: Sequence[str], jobs: int, simulate: bool) -> None:
    """Unit tests judge all that is not judged yet, or these modules anew; the simulation what survives."""
    mutmut("run", "--max-children", str(jobs), *patterns(modules), KAGENTS_MUTANTS_QUICK="1")
    left = survivors(verdicts(mutmut("results", "--all", "true", quiet=True)))
    chosen = [each for each in left if not modules or module_of(each) in modules]
    if simulate and chosen:
        mutmut("run", "--max-children", str(jobs), *chosen)


def survivors(found: dict[str, str]) -> list[str]:
    """Those that no test has noticed."""
    return sorted(each for each, verdict in found.items() if verdict not in (*KILLED, "not checked"))


def verdicts(listed: str) -> dict[str, str]:
    """What became of each mutant, from ``mutmut results``."""
    pairs = (line.strip().rpartition(": ") for line in listed.splitlines())
    return {name: verdict for name, _, verdict in pairs if name.startswith("kagents_core.")}


def module_of(mutant: str) -> str:
    """``rules/gates.py`` of ``kagents_core.reconcile.rules.gates.x_held__mutmut_3``."""
    parts = mutant.split(".")[2:]
    return "/".join(parts[:-1] or ["__init__"]) + ".py"


def table(found: dict[str, str]) -> str:
    """A row for each module: how many mutants, how many killed, how many not."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, verdict in found.items():
        counts[module_of(mutant)][verdict] += 1
    rows = ["| module | mutants | killed | survived | not run | killed of run |", "|---|---|---|---|---|---|"]
    whole: Counter[str] = Counter()
    for module in sorted(counts):
        rows.append(row(module, counts[module]))
        whole += counts[module]
    return "\n".join([*rows, row("all", whole)])


def row(module: str, count: Counter[str]) -> str:
    """One line of the table."""
    killed = sum(count[each] for each in KILLED)
    waiting = count["not checked"]
    survived = count.total() - killed - waiting
    share = f"{100 * killed / (killed + survived):.1f} %" if killed + survived else ""
    return f"| {module} | {count.total()} | {killed} | {survived} | {waiting} | {share} |"


def patterns(modules: Iterable[str]) -> list[str]:
    """As mutmut wants them: ``kagents_core.reconcile.rules.gates.*`` for ``rules/gates.py``."""
    return [f"kagents_core.reconcile.{each.removesuffix('.py').replace('/', '.')}.x*" for each in modules]


def main() -> int:
    """Run what is asked for, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", nargs="+", default=(), metavar="MODULE", help="as rules/gates.py; run anew")
    parser.add_argument("--jobs", type=int, default=1, help="so many mutants at a time")
    parser.add_argument("--unit", action="store_true", help="survivors of the unit tests are not simulated")
    parser.add_argument("--table", action="store_true", help="print what was found before, and run nothing")
    parser.add_argument(
        "--survivors", action="store_true", help="print how each survivor differs, and run nothing"
    )
    asked = parser.parse_args()
    if not (asked.table or asked.survivors):
        lay_out(WORK)
        judge(asked.only, asked.jobs, not asked.unit)
    found = verdicts(mutmut("results", "--all", "true", quiet=True))
    if asked.survivors:
        for mutant in survivors(found):
            print(mutmut("show", mutant, quiet=True))
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
