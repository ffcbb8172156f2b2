"""The journals of many teams, gathered without a screen: how many at once, what is live, what is not read."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.kube.errors import Forbidden, Unreachable
from kagents_tui import gathering as module
from kagents_tui.gathering import MAIL, TASKS, Gathering, wanted
from kagents_tui.journal import mail as mail_of_journal
from kagents_tui.journal.mail import keep_within
from kagents_tui.journal_view import JournalView
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.gathered import standing_cells, standing_text
from kagents_tui.rows.symbols import UNICODE
from kagents_tui.rows.teams import project
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster
from kagents_tui.sample.streams import SampleStream

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SCENE = Scene(NOW, UNICODE)


def source(name, phase="Running"):
    return data.team(NOW, "dev", name, phase, "1/1", age=timedelta(hours=1))


def batch(*sources):
    return {team.key: team for team in map(project, sources)}


def letter(number, name="x"):
    return {
        "seq": number,
        "kind": "message",
        "id": f"{name}-{number}",
        "from": "lead",
        "to": "b",
        "text": "go",
    }


class Hubs(SampleCluster):
    """Counts the streams that have not caught up yet; ``held`` teams never do, ``refused`` ones say no."""

    held = frozenset()
    refused = {}
    hubless = frozenset()

    def begin(self):
        self.busy, self.most, self.asked, self.looked = 0, 0, [], []
        self.ended, self.ending = set(), asyncio.Event()

    async def list(self, resource, namespace=None, **options):
        found = await SampleCluster.list(self, resource, namespace, **options)
        if resource.plural == "pods":
            self.looked.append(options["labels"].partition(",")[0].partition("=")[2])
            names = {pod["metadata"]["name"].split("-hub-")[0]: pod for pod in found.items}
            for name, pod in names.items():
                over = name in self.ended
                pod["status"]["phase"] = "Succeeded" if over else "Running"
                pod["status"]["containerStatuses"][0]["state"] = {} if over else {"running": {}}
            found.items[:] = [pod for name, pod in names.items() if name not in self.hubless]
        return found

    def end(self, name):
        """The recorder of a team ends, and the streams with it; what else it had written is in its log."""
        self.ended.add(name)
        self.ending.set()

    async def logs(self, namespace, pod, **options):
        yield b"".join(orjson.dumps(each) + b"\n" for each in self.journals[pod.split("-hub-")[0]])

    async def exec(self, namespace, pod, command, **options):
        name = pod.split("-hub-")[0]
        self.asked.append((name, "--follow" in command))
        if name in self.refused:
            raise self.refused[name]
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0)
        if name in self.held:
            return SampleStream([], hang=True)
        self.busy -= 1
        stream = await SampleCluster.exec(self, namespace, pod, command, **options)
        return Followed(stream.lines, hang=False, until=self.ending if stream.hang else None)


@dataclass(slots=True)
class Followed(SampleStream):
    """A stream that ends when the recorder does."""

    until: asyncio.Event | None = None

    async def __aiter__(self):
        for each in self.lines:
            yield 1, each
        if self.until is not None:
            await self.until.wait()
        self.exit_code = 0


def hubs(*sources, **journals):
    cluster = Hubs(list(sources), journals)
    cluster.begin()
    return cluster


@asynccontextmanager
async def gathered(cluster, kinds=MAIL, now=lambda: NOW):
    gathering = Gathering(cluster, kinds, lambda: None, now)
    gathering.take(batch(*cluster.teams))
    task = asyncio.create_task(gathering.run())
    try:
        yield gathering
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a task of its own has no event for us
            await asyncio.sleep(0.005)


async def test_running_teams_are_followed_and_ended_ones_read_once():
    cluster = hubs(source("one"), source("old", "Completed"), one=[letter(1)], old=[letter(1), letter(2)])
    cluster.end("old")
    async with gathered(cluster) as found:
        await until(lambda: {each.state for each in found.sources.values()} == {"live", "ended"})
        assert {key[1]: len(each.view.mail) for key, each in found.sources.items()} == {"one": 1, "old": 2}
    assert cluster.asked == [("one", True)]
    parted, changed = found.news()
    assert (parted, {each.team.key[1] for each in changed}) == ([], {"one", "old"})
    assert found.news() == ([], [])


async def test_only_what_is_asked_for_comes_and_is_folded():
    task = {"seq": 2, "kind": "task", "id": "1", "task": {"id": "1", "subject": "s"}, "changed": ["created"]}
    cluster = hubs(source("one"), one=[letter(1), task])
    async with gathered(cluster, TASKS) as found:
        one = found.sources["dev", "one"]
        await until(lambda: one.state == "live")
        assert (list(one.view.tasks), dict(one.view.mail)) == (["1"], {})
    assert cluster.calls[-1][2][-2:] == ["--kind", "task"]


async def test_a_few_at_a_time_and_one_that_hangs_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    teams = [source(f"t{number}") for number in range(30)]
    cluster = hubs(*teams)
    cluster.held = {f"t{number}" for number in range(8)}
    async with gathered(cluster) as found:
        await until(lambda: len(found.in_state("live")) == 22)
        assert {each.team.key[1] for each in found.in_state("reading")} == cluster.held
        words = "".join(str(each.text) for each in standing_cells(found, SCENE))
        assert words == "  reading, 8 teams to go  ● 22 live"
    assert cluster.most - len(cluster.held) <= module.AT_ONCE


async def test_teams_beyond_the_live_ones_are_read_again_and_their_age_is_told(monkeypatch):
    monkeypatch.setattr(module, "LIVE_TEAMS", 2)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    cluster = hubs(*(source(f"t{number}") for number in range(3)))
    async with gathered(cluster) as found:
        await until(lambda: found.in_state("read"))
        (third,) = found.in_state("read")
        cluster.journals[third.team.key[1]] = [letter(1)]
        await until(lambda: third.view.mail)
        assert len(found.in_state("live")) == 2
        later = Scene(NOW + timedelta(seconds=40), UNICODE)
        assert "  1 up to 40s old" in [str(each.text) for each in standing_cells(found, later)]
        assert "read 40s ago" in standing_text(found, later)
    assert {follow for name, follow in cluster.asked if name == third.team.key[1]} == {False}


async def test_a_team_that_cannot_be_read_says_why_and_is_tried_again(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("kagents_tui.journal_stream._ENDING_SECONDS", 0)
    cluster = hubs(
        *(source(name) for name in ("cut", "good", "mine", "new")), good=[letter(1)], cut=[letter(1)]
    )
    cluster.refused = {
        "cut": Unreachable("the hub \x1b[2Jdoes not answer"),
        "mine": Forbidden(403, "Forbidden", "you may not exec into pods in dev"),
    }
    cluster.hubless = {"new"}
    async with gathered(cluster) as found:
        await until(lambda: len(found.in_state("lost")) == 3 and found.in_state("live"))
        told = standing_text(found, SCENE)
        assert "dev/mine  not read for 0s: you may not exec into pods in dev" in told
        assert "dev/new   not read for 0s: new has no hub, so there is no journal to read now" in told
        assert "dev/good  live" in told
        assert "\x1b" not in told
        assert any("3 teams not read: " in each.text for each in standing_cells(found, SCENE))
        cluster.refused, cluster.hubless = {}, frozenset()
        await until(lambda: len(found.in_state("live")) == 4)
        assert found.sources["dev", "cut"].view.mail


async def test_an_ended_team_whose_hub_is_gone_is_not_asked_for_ever(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(module, "LIVE_TEAMS", 0)
    cluster = hubs(source("old", "Failed"), source("one"))
    cluster.hubless = {"old"}
    async with gathered(cluster) as found:
        await until(lambda: found.in_state("lost") and cluster.looked.count("one") > 5)
    assert cluster.looked.count("old") == 1


async def test_what_is_beyond_all_measure_is_left_out_until_there_is_room(monkeypatch):
    monkeypatch.setattr(module, "READ_TEAMS", 2)
    cluster = hubs(*(source(f"t{number}") for number in range(3)))
    async with gathered(cluster) as found:
        await until(lambda: len(found.in_state("live")) == 2)
        assert "  1 team left out: name namespaces or a label" in [
            str(each.text) for each in standing_cells(found, SCENE)
        ]
        assert "Left out: 1 team;" in standing_text(found, SCENE)
        found.take({("dev", "t0"): None})
        await until(lambda: len(found.in_state("live")) == 2)
        assert (set(found.sources), found.left_out) == ({("dev", "t1"), ("dev", "t2")}, {})
        assert [each.team.key for each in found.news()[0]] == [("dev", "t0")]


async def test_a_team_that_was_made_again_has_another_journal():
    cluster = hubs(source("one"), one=[letter(1, "before")])
    async with gathered(cluster) as found:
        before = found.sources["dev", "one"]
        await until(lambda: before.state == "live")
        found.news()
        cluster.journals["one"] = [letter(1, "after")]
        cluster.teams[0]["metadata"]["uid"] = "another"
        found.take(batch(*cluster.teams))
        after = found.sources["dev", "one"]
        await until(lambda: after.state == "live")
        parted, changed = found.news()
        assert (parted, changed) == ([before], [after])
        assert list(after.view.mail) == ["after-1"]


async def test_a_team_that_ends_while_it_is_followed_is_read_to_its_end(monkeypatch):
    monkeypatch.setattr(module, "FIRST_WAIT", 0.01)
    cluster = hubs(source("one"), one=[letter(1)])
    async with gathered(cluster) as found:
        one = found.sources["dev", "one"]
        await until(lambda: one.state == "live")
        cluster.teams[0]["status"]["phase"] = "Completed"
        cluster.journals["one"] += [letter(2)]
        found.take(batch(*cluster.teams))
        cluster.end("one")
        await until(lambda: one.state == "ended")
        assert list(one.view.mail) == ["x-1", "x-2"]
        assert not one.followed


async def test_what_a_hub_writes_after_its_team_has_ended_is_read_too():
    cluster = hubs(source("one", "Completed"), one=[letter(1)])
    async with gathered(cluster) as found:
        one = found.sources["dev", "one"]
        await until(lambda: one.state == "live")
        cluster.journals["one"] += [letter(2)]
        cluster.end("one")
        await until(lambda: one.state == "ended")
        assert list(one.view.mail) == ["x-1", "x-2"]


async def test_an_ended_team_that_is_not_followed_is_read_until_nothing_comes(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(module, "LIVE_TEAMS", 0)
    cluster = hubs(source("one", "Completed"), one=[letter(1)])
    async with gathered(cluster) as found:
        one = found.sources["dev", "one"]
        await until(lambda: one.state == "ended")
        assert list(one.view.mail) == ["x-1"]
    assert cluster.asked == [("one", False)] * 2


def test_teams_that_are_not_chosen_are_not_there():
    teams = batch(source("one"), source("two"))
    chosen = wanted(teams | {("dev", "gone"): None}, lambda team: team.key[1] == "one")
    assert {key[1]: team is not None for key, team in chosen.items()} == {
        "one": True,
        "two": False,
        "gone": False,
    }


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=12).map(sorted), min_size=1, max_size=4),
    st.integers(1, 20),
)
def test_of_too_much_mail_the_oldest_goes(journals, limit):
    views = []
    for number, minutes in enumerate(journals):
        view = JournalView()
        for seq, minute in enumerate(minutes, 1):
            written = {"written": f"2026-11-21T13:{minute:02}:00Z"}
            view.apply(letter(seq, f"t{number}") | written)
        views.append(view)
    everything = [each.written for view in views for each in view.mail.values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mail_of_journal, "MAIL_LIMIT", limit)
        keep_within(views)
    kept = [each.written for view in views for each in view.mail.values()]
    assert sorted(kept) == sorted(everything)[max(0, len(everything) - limit) :]
    assert sum(view.dropped_mail for view in views) == len(everything) - len(kept)
