"""One act on several marked objects: judged as they are now, asked about once, done and reported one by one.

Each object is written at the version that was judged. When only its status has moved since, the write is
tried again; when its spec was changed, or another object has its name now, it is refused. What one object
refuses does not keep the act from the others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.constants import ANNOTATION_RETRY_FINISH, APPROVAL_PREFIX
from kagents_core.safetext import SafeText, clean
from kagents_tui.delivery_states import failure_of, new_word, why_no_retry
from kagents_tui.gate_states import gates_of
from kagents_tui.rows.attention import ENDED_PHASES
from kagents_tui.rows.fields import line, mapping

if TYPE_CHECKING:
    from kagents_core.api.resources import Resource
    from kagents_core.kube.client import Client

BULK: Final = ("approve", "deny", "retry", "kill", "suspend", "delete")
"""Actions that take marked objects together."""

ATTEMPTS: Final = 8
AT_ONCE: Final = 8
DONE: Final = {
    "approve": "approved",
    "deny": "denied",
    "retry": "is delivered anew",
    "kill": "is being cancelled",
    "suspend": "is being suspended",
    "resume": "resumes",
    "delete": "is being deleted",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One object that was marked, by its identity; ``event`` is a gate of it."""

    resource: "Resource"
    namespace: str
    name: str
    uid: str
    event: str = ""

    @property
    def words(self) -> SafeText:
        """How it is named to a person."""
        gate = f"{self.event} of " if self.event else ""
        return line(f"{gate}{self.namespace}/{self.name}", 400)


@dataclass(frozen=True, slots=True)
class Judged:
    """An object as it is now: what the question shows, and what the act holds to."""

    subject: Subject
    document: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        return mapping(self.document.get("metadata"))

    @property
    def phase(self) -> str:
        """Its phase; empty for a kind without one."""
        return str(mapping(self.document.get("status")).get("phase") or "")

    @property
    def suspended(self) -> bool:
        """Whether it is, or is being, suspended."""
        return mapping(self.document.get("spec")).get("suspend") is True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object."""

    subject: Subject
    done: bool
    words: SafeText


class NotDoneError(Exception):
    """The act makes no sense on this object; its text is one plain sentence without the object's name."""


async def judge(
    client: "Client", act: str, subjects: Sequence[Subject]
) -> tuple[list[Judged], list[Outcome]]:
    """Reads every object as it is now: those the act makes sense on, and why not of the others."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(subject: Subject) -> Judged | Outcome:
        async with limit:
            try:
                judged = await _read(client, subject)
                _check(act, judged)
            except NotDoneError as error:
                return Outcome(subject, False, line(str(error), 300))
            return judged

    found = await _all([one(subject) for subject in subjects])
    return (
        [each for each in found if isinstance(each, Judged)],
        [each for each in found if isinstance(each, Outcome)],
    )


async def carry_out(client: "Client", act: str, judged: Sequence[Judged]) -> list[Outcome]:
    """Does it to each of them, several at a time; one outcome each, in their order."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(each: Judged) -> Outcome:
        async with limit:
            try:
                await _do(client, act, each)
            except NotDoneError as error:
                return Outcome(each.subject, False, line(str(error), 300))
            return Outcome(each.subject, True, line(DONE[act]))

    return await _all([one(each) for each in judged])


async def _all(coroutines: Sequence[Any]) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in coroutines]
    return [task.result() for task in tasks]


async def _read(client: "Client", subject: Subject) -> Judged:
    from kagents_core.kube.errors import KubeError, NotFound

    try:
        found = await client.get(subject.resource, subject.namespace, subject.name)
    except NotFound:
        raise NotDoneError("is gone; nothing was done") from None
    except KubeError as error:
        raise NotDoneError(f"could not be read: {error}") from None
    if mapping(found.get("metadata")).get("uid") != subject.uid:
        raise NotDoneError("was deleted and made again; look at the new one first")
    return Judged(subject, found)


def _check(act: str, judged: Judged) -> None:
    """Whether the act makes sense on the object; ``read`` always does. Raises ``NotDoneError``."""
    if act == "read":
        return
    if act == "delete":
        if judged.metadata.get("deletionTimestamp"):
            raise NotDoneError("is being deleted already")
        return
    if act == "retry":
        if why := why_no_retry(judged.document):
            raise NotDoneError(why)
        return
    if judged.phase in ENDED_PHASES:
        raise NotDoneError(f"has ended already ({judged.phase})")
    if mapping(judged.document.get("spec")).get("cancel") is True:
        raise NotDoneError("is being cancelled already")
    if act == "suspend" and judged.suspended:
        raise NotDoneError("is suspended already")
    if act == "resume" and not judged.suspended:
        raise NotDoneError("is not suspended")
    if act in ("approve", "deny"):
        gate = next((each for each in gates_of(judged.document) if each.event == judged.subject.event), None)
        if gate is None:
            raise NotDoneError("has no such gate any more")
        if gate.decided:
            raise NotDoneError(f"was {gate.state} before; that stands")


def _patch(act: str, subject: Subject) -> dict[str, Any]:
    if act in ("approve", "deny"):
        value = "true" if act == "approve" else "false"
        return {"metadata": {"annotations": {APPROVAL_PREFIX + subject.event: value}}}
    if act == "retry":
        return {"metadata": {"annotations": {ANNOTATION_RETRY_FINISH: new_word()}}}
    return {"spec": {"cancel": True} if act == "kill" else {"suspend": act == "suspend"}}


async def _do(client: "Client", act: str, judged: Judged) -> None:
    """Writes at the version that was judged; a status that moved is read again, anything else refused."""
    from kagents_core.kube.errors import Conflict, KubeError, NotFound

    subject, now = judged.subject, judged
    for _ in range(ATTEMPTS):
        version = str(now.metadata.get("resourceVersion", ""))
        try:
            if act == "delete":
                await client.delete(
                    subject.resource,
                    subject.namespace,
                    subject.name,
                    uid=subject.uid,
                    resource_version=version,
                    propagation="Background",
                )
            else:
                patch = _patch(act, subject)
                held = {"uid": subject.uid, "resourceVersion": version}
                patch["metadata"] = {**held, **patch.get("metadata", {})}
                await client.patch_merge(subject.resource, subject.namespace, subject.name, patch)
        except Conflict:
            now = await _read(client, subject)
            if now.metadata.get("generation") != judged.metadata.get("generation"):
                raise NotDoneError("was changed by somebody in the meantime; look at it again") from None
            if act == "retry" and failure_of(now.document) != failure_of(judged.document):
                raise NotDoneError("has a delivery that moved on in the meantime; look at it again") from None
            _check(act, now)
            continue
        except NotFound:
            raise NotDoneError("is gone; nothing was done") from None
        except KubeError as error:
            raise NotDoneError(f"was refused: {error}") from None
        return
    raise NotDoneError("keeps changing; try again")


# In words


def question(act: str, judged: Sequence[Judged]) -> str:
    """What is asked, with the number."""
    what = "gate" if act in ("approve", "deny") else judged[0].subject.resource.singular.removeprefix("agent")
    return f"{act.capitalize()} {len(judged)} {what}{'' if len(judged) == 1 else 's'}?"


def story(act: str, judged: Sequence[Judged], refused: Sequence[Outcome]) -> SafeText:
    """Every object by name, and those that the act will leave out, with the reason."""
    meaning = {
        "kill": "Their agents are stopped now and are not started again. Files, mail and tasks stay.",
        "suspend": "Their agents stop; files and sessions stay, and the same key resumes them.",
        "resume": "Their agents go on in the sessions they had.",
        "delete": "Everything they own goes with them: pods, volumes, worktrees, mail, tasks, results."
        " There is no way back.",
        "approve": "What each gate holds back starts.",
        "deny": "What each gate holds back never starts.",
        "retry": "Each delivery is tried again at once; mend its cause first.",
    }
    lines = [meaning[act], ""]
    for number, each in enumerate(judged, 1):
        failure = failure_of(each.document) if act == "retry" else None
        lines.append(f"{number:>4}  {each.subject.words}  {line(failure.message if failure else each.phase)}")
    if refused:
        lines += ["", "left out:"]
        lines += [f"      {each.subject.words} {each.words}" for each in refused]
    return clean("\n".join(lines))


def report(act: str, outcomes: Sequence[Outcome]) -> SafeText:
    """What was done and what was refused, one line an object, the refused first."""
    done = sum(each.done for each in outcomes)
    lines = [f"{act}: {done} done, {len(outcomes) - done} refused", ""]
    for each in sorted(outcomes, key=lambda outcome: outcome.done):
        lines.append(f"{'done   ' if each.done else 'REFUSED'}  {each.subject.words} {each.words}")
    return clean("\n".join(lines))


def direction(act: str, judged: Sequence[Judged]) -> str:
    """``suspend`` is ``resume`` when all of them are suspended: one key both ways, never for a mixture."""
    return "resume" if act == "suspend" and judged and all(each.suspended for each in judged) else act


def without_event(subjects: Sequence[Subject]) -> list[Subject]:
    """The objects themselves, each once."""
    return list(dict.fromkeys(replace(each, event="") for each in subjects))
