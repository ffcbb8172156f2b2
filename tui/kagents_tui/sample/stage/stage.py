"""The cluster of the demonstration: its teams react to what a person does, and their journals go on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.detachkey import DEFAULT, detach_byte
from kagents_tui.sample import others
from kagents_tui.sample.cluster import SampleCluster
from kagents_tui.sample.stage import agents
from kagents_tui.sample.stage.asking import ASKING
from kagents_tui.sample.stage.others import OTHERS
from kagents_tui.sample.stage.told import journal_of, team_of
from kagents_tui.sample.streams import SampleStream
from kagents_tui.sample.times import stamp

Object = dict[str, Any]
News = Callable[[Object], list[bytes]]
"""What a new entry of the journal means for somebody who follows."""

CASTS: Final = {cast.name: cast for cast in (*ASKING, *OTHERS)}
DETACH: Final = detach_byte(DEFAULT)


@dataclass(slots=True)
class Attached(SampleStream):
    """An agent's terminal: it shows what is typed until the key that detaches comes."""

    async def resize(self, columns: int, rows: int) -> None:
        """Nothing is drawn anew."""

    async def send(self, data: bytes) -> None:
        """Shows what was typed; nobody reads it."""
        assert self.later is not None
        self.later.put_nowait(data.replace(b"\r", b"\r\n> "))

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        assert self.later is not None
        yield 1, self.lines[0]
        while DETACH not in (typed := await self.later.get()):
            yield 1, typed
        self.exit_code = 0


@dataclass(slots=True)
class Stage(SampleCluster):
    """Teams that are played. Build it with ``stage``."""

    now: Callable[[], datetime] = datetime.now
    sent: int = 0
    lying: list[tuple[str, str, str]] = field(default_factory=list)
    """Team, id and receiver of messages that nobody has looked at yet."""
    _followers: list[tuple[str, News, asyncio.Queue[bytes]]] = field(default_factory=list)

    def tell(self, team: str, kind: str, **fields: Any) -> Object:
        """Writes an entry into a team's journal; those who follow it hear it."""
        journal = self.journals.setdefault(team, [])
        entry = {"kind": kind, "seq": len(journal) + 1, "at": stamp(self.now())} | fields
        journal.append(entry)
        for followed, news, queue in self._followers:
            for each in news(entry) if followed == team else ():
                queue.put_nowait(each)
        return entry

    def turns(self, team: str, agent: str) -> list[agents.Said]:
        """What an agent has said and done."""
        prompts = {role.name: role.prompt for role in CASTS[team].roles}
        return agents.turns(agent, prompts.get(agent, ""), self.journals[team])

    async def patch_merge(
        self, resource: Any, namespace: str, name: str, patch: Mapping[str, Any], **options: Any
    ) -> Object:
        """As the API server does it; then the team reacts."""
        patched = await SampleCluster.patch_merge(self, resource, namespace, name, patch, **options)
        if resource.plural == "agentteams":
            self.change(namespace, name, self._react)
        return patched

    def _react(self, team: Object) -> None:
        """What a controller would do about an approval, a suspension or the end."""
        name, spec, status = team["metadata"]["name"], team["spec"], team["status"]
        if spec.get("cancel"):
            self._phase(team, "Cancelled", "")
        elif spec.get("suspend") is True and status["phase"] == "Running":
            self._phase(team, "Suspended", "")
        elif spec.get("suspend") is False and status["phase"] == "Suspended":
            self._phase(team, "Running", "")
        decided = team["metadata"].get("annotations", {})
        for shown in status["teammates"]:
            answer = decided.get(APPROVAL_PREFIX + shown.get("pendingApproval", ""))
            if answer is None:
                continue
            event = shown.pop("pendingApproval")
            shown.pop("waitingFor", None)
            state = "approved" if answer == "true" else "denied"
            self.tell(name, "gate", event=event, state=state, teammate=shown["name"])
            if answer == "true":
                shown |= {"phase": "Running", "podName": f"{name}-{shown['name']}-4c5d6"}
                self.tell(name, "activity", agent=shown["name"], state="starting")
                doing = {"agent": shown["name"], "state": "working", "since": stamp(self.now())}
                status["activity"].append(doing)
            else:
                shown["phase"] = "Denied"
        up = sum(each["phase"] in ("Running", "Completed") for each in status["teammates"])
        status["ready"] = f"{up}/{len(status['teammates'])}"

    def _phase(self, team: Object, phase: str, why: str) -> None:
        if team["status"]["phase"] == phase:
            return
        team["status"]["phase"] = phase
        ended = phase == "Cancelled"
        if ended:
            team["status"]["completedAt"] = stamp(self.now())
        if phase != "Running":
            team["status"]["activity"] = []
        for shown in (team["status"]["lead"], *team["status"]["teammates"]):
            if shown.get("phase") in ("Running", "Suspended"):
                shown["phase"] = phase
        self.tell(team["metadata"]["name"], "phase", phase=phase, message=why)

    async def exec(self, namespace: str, pod: str, command: Sequence[str], **options: Any) -> SampleStream:
        """A hub's verbs, and an agent's terminal."""
        team = self._team_of(pod)
        agent = command[command.index("--agent") + 1] if "--agent" in command else ""
        if "attach" in command:
            agent = pod.removeprefix(f"{team}-").rpartition("-")[0]
            picture = agents.screen(agent, self.turns(team, agent))
            return Attached([picture], hang=True, later=asyncio.Queue())
        if "diff" in command:
            return SampleStream(agents.diff(team, agent), hang=False)
        if "transcript" in command:
            return self._transcript(team, agent, command)
        if "send" in command:
            return self._letter(team, command)
        stream = await SampleCluster.exec(self, namespace, pod, command, **options)
        if "tail" in command and "--follow" in command:
            self._follow(team, stream, lambda entry: [orjson.dumps(entry) + b"\n"])
        return stream

    def _transcript(self, team: str, agent: str, command: Sequence[str]) -> SampleStream:
        told = self.turns(team, agent)
        stream = SampleStream(agents.transcript(told, command), hang=False)

        def news(entry: Object) -> list[bytes]:
            now = self.turns(team, agent)
            printed = agents.transcript(now, ["--after", str(len(told) * 100)])[:-1]
            told[:] = now
            return printed

        if "--follow" in command:
            self._follow(team, stream, news)
        return stream

    def _follow(self, team: str, stream: SampleStream, news: News) -> None:
        """What is told from now on comes over the stream too."""
        stream.later = asyncio.Queue()
        follower = (team, news, stream.later)
        self._followers.append(follower)
        stream.leave = lambda: self._followers.remove(follower)

    def _team_of(self, pod: str) -> str:
        return max((name for name in CASTS if pod.startswith(f"{name}-")), key=len)

    def _letter(self, team: str, command: Sequence[str]) -> SampleStream:
        """Takes a message of a person: it lies in the mailbox until its receiver looks."""
        self.sent += 1
        key = f"sent-{self.sent}"
        summary = next((each.partition("=")[2] for each in command if each.startswith("--summary=")), "")
        receiver = command[command.index("--to") + 1]

        def take(text: bytes) -> str:
            self.write(team, key, "team-lead", receiver, summary, text.decode())
            return ""

        return SampleStream([orjson.dumps({"id": key}) + b"\n"], hang=False, ends_with=take)

    def write(self, team: str, key: str, sender: str, receiver: str, summary: str, text: str) -> None:
        """A message that nobody has looked at yet."""
        words = {"from": sender, "to": receiver, "type": "message", "text": text, "summary": summary}
        self.tell(team, "message", id=key, written=stamp(self.now()), **words)
        self.lying.append((team, key, receiver))

    def _answered(self, namespace: str, pod: str, data: bytes) -> str:
        """The answer goes into the journal, and the agent goes on."""
        complaint = SampleCluster._answered(self, namespace, pod, data)
        if complaint:
            return complaint
        answer, team = orjson.loads(data), self._team_of(pod)
        ask = next(each for each in CASTS[team].asks if each.agent == answer["agent"])
        said = {"id": answer["request"], "agent": ask.agent, "ask": ask.kind, "by": answer["by"]}
        said |= {"answer": "allow" if answer["allow"] else "deny", "reason": answer.get("reason")}
        self.tell(team, "answer", **said, answerId=answer["id"])
        doing = ask.then if answer["allow"] else "looking for another way"
        self.tell(team, "activity", agent=ask.agent, state="working", detail=doing)
        return ""

    async def logs(self, namespace: str, pod: str, **options: Any) -> AsyncGenerator[bytes]:
        """What the agent's container has printed; of a hub its journal."""
        team = self._team_of(pod)
        agent = pod.removeprefix(f"{team}-").rpartition("-")[0]
        if agent == "hub":
            yield b"".join(orjson.dumps(each) + b"\n" for each in self.journals[team])
            return
        yield agents.log(self.turns(team, agent))
        if options.get("follow"):
            await asyncio.Event().wait()


def stage(now: Callable[[], datetime]) -> Stage:
    """The cluster as the demonstration begins."""
    moment = now()
    journals = {name: journal_of(cast, moment) for name, cast in CASTS.items()}
    teams = [team_of(cast, journals[name], moment) for name, cast in CASTS.items()]
    made = Stage(teams, journals, events=others.events(moment), now=now)
    made.others = {
        "agentteamruns": runs(teams, moment),
        "agentteamtemplates": others.templates(moment),
        "agentbudgets": others.budgets(moment),
        "agentusages": others.usages(moment)[:2],
    }
    return made


def runs(teams: Sequence[Object], now: datetime) -> list[Object]:
    """Those of the sample; one whose team is played here has its status, the others have ended."""
    statuses = {team["metadata"]["name"]: team["status"] for team in teams}
    found = others.runs(now)
    for run in found:
        name = run["metadata"]["name"]
        if name in statuses and run["status"]["phase"] == statuses[name]["phase"]:
            run["status"] |= {part: statuses[name][part] for part in ("ready", "estimatedCost")}
    return [run for run in found if run["status"]["phase"] != "Failed"]
