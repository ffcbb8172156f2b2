"""The ledger: sums that are exact whatever ends it, nothing twice, and no going on with what is wrong."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.gateway.entries import LOST, OPEN, Entry
from kagents_runner.gateway.ledger import FILE, Ledger
from kagents_runner.gateway.tokens import Counts
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


def entry(name: str, state: str, micros: int = 7, agent: str = "lead") -> Entry:
    counts = Counts("claude-opus-5-5", 1, 2, 3, 4, 5, {"web_search_requests": 1})
    return Entry(name, state, "2026-11-21T10:00:00.000Z", agent, counts, micros, True, "2026-10-24")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("open"), st.integers(0, 5), st.sampled_from(["lead", "scout"]), st.integers(0, 10**6)
        ),
        st.tuples(
            st.just("close"),
            st.integers(0, 5),
            st.sampled_from(["complete", "aborted", "failed"]),
            st.integers(0, 10**6),
        ),
        st.tuples(st.just("kill"), st.integers(0, 60)),
    ),
    max_size=40,
)


@given(steps)
def test_sums_are_exact_whatever_happens(steps: list[tuple[Any, ...]]) -> None:
    """Against plain sums: of what was open when the gateway ended counts what was known."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        ledger = Ledger(path)
        under_way: dict[int, Entry] = {}
        closed: dict[str, int] = {}
        for what, *told in steps:
            if what == "open" and told[0] not in under_way:
                found = entry(ledger.free_id(f"req_{told[0]}"), OPEN, told[2], told[1])
                ledger.write(found)
                under_way[told[0]] = found
            elif what == "close" and told[0] in under_way:
                begun = under_way.pop(told[0])
                ledger.write(entry(begun.id, told[1], begun.micros + told[2], begun.agent))
                closed[begun.id] = begun.micros + told[2]
            elif what == "kill":
                whole = path.read_bytes()
                ledger.close()
                path.write_bytes(whole + b'{"seq":99999,"id":"torn","state":"complete"'[: told[0]])
                closed |= {each.id: each.micros for each in under_way.values()}
                under_way.clear()
                ledger = Ledger(path)
            assert ledger.total == sum(closed.values())
            assert ledger.spent == ledger.total + sum(each.micros for each in under_way.values())
        ledger.close()
        found_lines = lines(path)
        ends = [line for line in found_lines if line["state"] != OPEN]
        assert {line["id"]: line["costMicros"] for line in ends} == closed
        assert len(ends) == len(closed), "nothing is closed twice"
        assert [line["seq"] for line in found_lines] == list(range(1, len(found_lines) + 1))
        assert not ends or ends[-1]["totalMicros"] == sum(closed.values())


def test_what_was_under_way_is_lost_and_counts_as_far_as_it_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / FILE
    first = Ledger(path)
    first.write(entry("a", OPEN, 5))
    first.write(entry("a", "complete", 9))
    first.write(entry("b", OPEN, 3, "scout"))
    first.close()
    second = Ledger(path)
    assert (second.total, second.spent, second.spent_by("scout")) == (12, 12, 3)
    assert lines(path)[-1] | {"at": ""} == {
        "seq": 4,
        "id": "b",
        "state": LOST,
        "at": "",
        "agent": "scout",
        "model": "claude-opus-5-5",
        "inputTokens": 1,
        "outputTokens": 2,
        "cacheReadTokens": 3,
        "cacheWrite5mTokens": 4,
        "cacheWrite1hTokens": 5,
        "serverTools": {"web_search_requests": 1},
        "costMicros": 3,
        "prices": "2026-10-24",
        "totalMicros": 12,
    }
    assert "the end of answer b of scout is lost" in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    second.close()


def test_a_torn_last_line_is_cut_off_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / FILE
    ledger = Ledger(path)
    ledger.write(entry("a", "complete"))
    ledger.close()
    good = path.read_bytes()
    path.write_bytes(good + good[:-1].replace(b'"seq":1', b'"seq":2'))
    Ledger(path).close()
    assert path.read_bytes() == good
    assert "torn" in capsys.readouterr().out


def changed(number: int, **values: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Changes a line."""
    return lambda found: found[number].update(values)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (changed(1, totalMicros=15), "line 2: totalMicros is not 14"),
        (changed(1, costMicros=8), "line 2: totalMicros is not 15"),
        (changed(1, seq=3), "line 2: seq is not 2"),
        (changed(1, id="a"), "line 2: its id has been closed before"),
        (changed(0, inputTokens=-1), "line 1: inputTokens"),
        (changed(0, outputTokens=1.5), "line 1: outputTokens"),
        (changed(0, agent=None), "line 1: agent is not a text"),
        (changed(0, state="paid"), "line 1: its state"),
        (changed(0, serverTools=[]), "line 1: serverTools"),
        (lambda found: found.pop(0), "line 1: seq is not 1"),
        (lambda found: found.reverse(), "line 1: seq is not 1"),
    ],
)
def test_what_does_not_add_up_is_not_gone_on_with(
    tmp_path: Path, damage: Callable[[list[dict[str, Any]]], None], words: str
) -> None:
    path = tmp_path / FILE
    ledger = Ledger(path)
    for name in ("a", "b", "c"):
        ledger.write(entry(name, "complete"))
    ledger.close()
    found = lines(path)
    damage(found)
    path.write_text("".join(json.dumps(line) + "\n" for line in found))
    before = path.read_bytes()
    with pytest.raises(RunnerError, match=words) as refused:
        Ledger(path)
    assert refused.value.code == EXIT_NEEDS_A_PERSON
    assert path.read_bytes() == before


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("")
    (tmp_path / FILE).symlink_to(other)
    with pytest.raises(OSError, match="plain file"):
        Ledger(tmp_path / FILE)


async def test_who_waits_for_the_disk_at_the_same_time_shares_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    import os

    ledger = Ledger(tmp_path / FILE)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    ledger.write(entry("a", "complete"))
    first = asyncio.create_task(ledger.durable())
    await asyncio.sleep(0)
    for name in "bcdefg":
        ledger.write(entry(name, "complete"))
    await asyncio.gather(first, *(ledger.durable() for _ in range(6)))
    assert len(synced) == 2
    await ledger.durable()
    assert len(synced) == 2
    ledger.close()


def test_what_cannot_be_written_is_not_counted_and_leaves_no_half_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    ledger = Ledger(tmp_path / FILE)
    ledger.write(entry("a", "complete"))
    whole, write = (tmp_path / FILE).read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    with pytest.raises(OSError, match="only 10"):
        ledger.write(entry("b", "complete"))
    assert (tmp_path / FILE).read_bytes() == whole
    assert ledger.failed.is_set()
    assert ledger.total == 7
    ledger.close()
