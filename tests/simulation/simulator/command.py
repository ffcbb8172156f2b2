"""The command: plays schedules on all processors, prints what failed, shrunk, and a table of what was run."""

import argparse
import gc
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from simulator.budget_stories import SCENARIOS
from simulator.faults import FAULTS, Schedule
from simulator.runs import judge, play, reference
from simulator.search import drawn, exhaustive, shrink

_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every schedule has come to what it must come to."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Plays schedules of faults against the controller on a simulated cluster.",
    )
    add = parser.add_argument
    add("--schedules", type=int, metavar="N", default=0, help="so many that are drawn by chance")
    add("--seed", type=int, default=1, help="of what is drawn (1)")
    add("--exhaustive", action="store_true", help="every fault at every call of every scenario")
    add("--scenario", action="append", default=[], metavar="NAME", help="of these alone, with --exhaustive")
    add(
        "--fault",
        choices=FAULTS,
        metavar="KIND",
        help="this one in each that is drawn, or it alone at every call",
    )
    add("--workers", type=int, metavar="N", default=os.cpu_count() or 1, help="processes (one a processor)")
    add("--replay", metavar="SCHEDULE", help="one schedule again, as it was printed, told call by call")
    add("--list", action="store_true", help="the scenarios and the faults")
    options = parser.parse_args(arguments)
    if options.list:
        return _list()
    if options.replay:
        return _replay(Schedule.parse(options.replay))
    if not options.exhaustive and not options.schedules:
        parser.error("give --exhaustive, --schedules or --replay")
    chosen: list[Iterable[Schedule]] = []
    if options.exhaustive:
        chosen.append(exhaustive(options.scenario, options.fault))
    chosen.append(drawn(options.seed, number, options.fault) for number in range(options.schedules))
    return _run((each for some in chosen for each in some), options.workers, options.seed)


def _without_pauses() -> None:
    """A worker collects garbage seldom: a run leaves little, and what all runs share never goes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _judged(schedule: Schedule) -> tuple[Schedule, list[str], float]:
    """What is wrong with it, and the seconds of a processor that it took."""
    reference(schedule.scenario)  # which other schedules need too
    began = time.process_time()
    try:
        wrong = judge(schedule)
    except Exception as error:
        wrong = [f"the simulation itself failed: {error!r}"]
    return schedule, wrong, time.process_time() - began


def _run(schedules: Iterable[Schedule], workers: int, seed: int) -> int:
    began, counts, failed, busy = time.monotonic(), Counter[str](), [], 0.0
    with multiprocessing.get_context("fork").Pool(workers, _without_pauses, maxtasksperchild=2000) as pool:
        for schedule, wrong, took in pool.imap_unordered(_judged, schedules, chunksize=20):
            counts[schedule.scenario] += 1
            busy += took
            if wrong:
                failed.append(schedule)
                if len(failed) <= _SHOWN:
                    _tell(schedule, wrong)
    seconds, total = time.monotonic() - began, counts.total()
    print("\n| scenario | calls | schedules |\n|---|---|---|")
    for name in sorted(counts):
        print(f"| {name} | {len(reference(name).calls)} | {counts[name]:,} |")
    print(
        f"\n{total:,} schedules, seed {seed}, {seconds:.0f} s, "
        f"{1000 * busy / total:.0f} ms of a processor each: {len(failed)} failed"
    )
    return 1 if failed else 0


def _tell(schedule: Schedule, wrong: list[str]) -> None:
    small = shrink(schedule)
    small = small.pinned(play(small).calls)
    print(f"FAILED: python -m tests.simulation --replay '{small}'", flush=True)
    for sentence in judge(small) or wrong:
        print(f"  {sentence[:600]}", flush=True)


def _replay(schedule: Schedule) -> int:
    outcome, kinds = play(schedule), {fault.call: fault.kind for fault in schedule.faults}
    for number, call in enumerate(outcome.calls):
        kind = kinds.get(number) or kinds.get(call)
        print(f"{number:4} {call}{f'   <- {kind}' if kind else ''}")
    for call in outcome.elections:
        print(f"     {call}{f'   <- {kinds[call]}' if call in kinds else ''}")
    wrong = judge(schedule)
    print("\n".join(wrong) if wrong else f"all is well after {outcome.seconds:.1f} s")
    return 1 if wrong else 0


def _list() -> int:
    for name in SCENARIOS:
        print(f"{name:24} {len(reference(name).calls)} calls")
    for kind, told in FAULTS.items():
        print(f"{kind:24} {told}")
    return 0
