"""The command line of ``python -m tests.fuzz``."""

import argparse
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from fuzzing.watching import Result, save, watched

REGRESSIONS: Final = Path(__file__).parents[1] / "regressions"
_PRODUCT: Final = ("kagents_core", "kagents_controller", "kagents_runner", "kagents_local", "kagents_tui")


def main(given: Sequence[str] | None = None) -> int:
    """Fuzzes; 1 when anything failed."""
    arguments = _arguments().parse_args(given)
    guided = arguments.guided and importlib.util.find_spec("atheris") is not None
    if arguments.guided and not guided:
        sys.stderr.write("atheris is not installed (pip install -e '.[fuzz]'): inputs are drawn by chance\n")
    with _instrumented() if arguments.child and guided else nullcontext():
        from harnesses import HARNESSES
    if arguments.list:
        for each in HARNESSES.values():
            print(f"{each.name:22} {each.parses}: {each.parsers}")
        return 0
    if unknown := [name for name in arguments.harness if name not in HARNESSES]:
        sys.stderr.write(f"there is no harness {unknown[0]!r}; --list names them\n")
        return 2
    if arguments.child:
        from fuzzing.running import corpus, run

        harness = HARNESSES[arguments.harness[0]]
        seeds = corpus(harness, REGRESSIONS)
        run(harness, seeds, arguments.seed, arguments.minutes * 60, arguments.window, guided=guided)
    if arguments.replay:
        return _replay(HARNESSES[arguments.harness[0]], arguments.replay)
    return _fuzz(arguments.harness or list(HARNESSES), arguments, guided=guided)


def _fuzz(names: Sequence[str], arguments: argparse.Namespace, *, guided: bool) -> int:
    how = "guided by what the parsers' branches do" if guided else "drawn by chance"
    print(f"seed {arguments.seed}, {arguments.minutes:g} minutes each, {how}")
    print(
        f"{'harness':22} {'executions':>11} {'a second':>9} {'peak MiB':>9} {'slowest':>9} {'bytes':>9} bad"
    )
    failed = 0
    for name in names:
        result = watched(name, arguments.seed, arguments.minutes * 60, guided=guided)
        print(_row(name, result), flush=True)
        for sentence, data in result.failures.values():
            place = save(arguments.folder, name, data)
            print(f"  {sentence}\n    python -m tests.fuzz {name} --replay {place}", flush=True)
        failed += bool(result.failures)
    return 1 if failed else 0


def _row(name: str, result: Result) -> str:
    rate = result.executions / max(result.seconds, 0.001)
    return (
        f"{name:22} {result.executions:>11,} {rate:>9,.0f} {result.peak_bytes / 2**20:>9.0f} "
        f"{result.slowest_seconds * 1000:>6.0f} ms {result.slowest_bytes:>9,}  {len(result.failures)}"
    )


def _replay(harness: Any, path: Path) -> int:
    from fuzzing.judging import Judge

    data = path.read_bytes()
    judge = Judge(harness)
    try:
        harness.feed(data)
    except Exception:
        traceback.print_exc()
    judge.feed(data)
    for sentence, _ in judge.counts.failures.values():
        print(sentence)
    counts = judge.counts
    print(f"{len(data)} bytes, {counts.slowest_seconds:.3f} s, {len(counts.failures)} failures")
    return 1 if counts.failures else 0


def _instrumented() -> Any:
    import atheris

    return atheris.instrument_imports(include=list(_PRODUCT), enable_loader_override=False)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("harness", nargs="*", help="which parsers; all, when none is named")
    parser.add_argument("--minutes", type=float, default=60.0, help="for each (60)")
    parser.add_argument("--seed", type=int, default=1, help="where the numbers begin (1)")
    parser.add_argument("--guided", action="store_true", help="by coverage, with atheris")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="one input, with the whole traceback")
    parser.add_argument(
        "--folder", type=Path, default=Path(".cache/fuzz"), help="where inputs are kept that fail"
    )
    parser.add_argument("--list", action="store_true", help="the harnesses and what they read")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--window", type=Path, help=argparse.SUPPRESS)
    return parser
