"""A short run of every harness, the same each time; ``python -m tests.fuzz`` is the long one."""

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # fuzzing and harnesses lie beside the file

from fuzzing import judging
from fuzzing.command import REGRESSIONS
from fuzzing.harness import Broken, Harness
from fuzzing.judging import Judge
from fuzzing.running import corpus, drawn
from harnesses import HARNESSES

_FEW, _MANY = 20, 200


def _failures(name: str, seed: int, count: int) -> list[str]:
    harness = HARNESSES[name]
    judge = drawn(harness, corpus(harness, REGRESSIONS), seed, count)
    assert judge.counts.executions > count
    return [f"{sentence}: {data[:200]!r}" for sentence, data in judge.counts.failures.values()]


@pytest.mark.parametrize("name", HARNESSES)
def test_samples_regressions_and_a_few_changes_do_no_harm(name: str) -> None:
    assert _failures(name, 1, _FEW) == []


@pytest.mark.long
@pytest.mark.parametrize("name", HARNESSES)
def test_many_changes_do_no_harm(name: str) -> None:
    assert _failures(name, 2, _MANY) == []


def test_what_a_parser_does_wrong_is_found() -> None:
    def feed(data: bytes) -> None:
        if b"xx" in data:
            raise KeyError("x")
        if b"y" in data:
            raise Broken("y came through")

    judge = drawn(Harness("bad", "", "", feed, lambda: [b"axb"], "bytes", (b"y",)), [b"axxb"], 1, 300)
    assert {each.split()[0] for each in judge.counts.failures} == {"KeyError", "Broken"}
    sentence, smallest = min(judge.counts.failures.values(), key=lambda each: len(each[1]))
    assert len(smallest) <= 4
    assert sentence


def test_a_parser_that_takes_its_time_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(data: bytes) -> None:
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass

    monkeypatch.setattr(judging, "SECONDS", 0.01)
    judge = Judge(Harness("slow", "", "", feed, list, "bytes"))
    judge.feed(b"x")
    assert list(judge.counts.failures) == ["slow"]


def test_the_same_seed_makes_the_same_inputs() -> None:
    def inputs() -> list[bytes]:
        found: list[bytes] = []
        drawn(Harness("kept", "", "", found.append, lambda: [b'{"a":[1]}'], "json"), [b'{"a":[1]}'], 7, 50)
        return found

    assert inputs() == inputs()
