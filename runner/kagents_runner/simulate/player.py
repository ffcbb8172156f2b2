"""Plays steps as one simulated agent: turns, waiting, mail, and the native end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kagents_core import simulation as script
from kagents_runner.harness.protocol import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_TERMINATED,
    EXIT_WORK_FAILED,
    AgentContext,
    HarnessExit,
)
from kagents_runner.mcp.standing import have_ended
from kagents_runner.outside import scope_state, tell_outside, told_outside
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.simulate import asking, notices
from kagents_runner.simulate.native import NativeAgent
from kagents_runner.simulate.progress import Progress
from kagents_runner.simulate.reaching import reach
from kagents_runner.simulate.working import commit_files, resolve, write_inside
from kagents_runner.stopping import until_stopped

TICK: Final = 1.0
"""Seconds between two looks into the mailbox, as the real CLI's timer."""
SHORTEST_TICK: Final = 0.05
TASK_TRIES: Final = 5


class _EndingError(Exception):
    def __init__(self, code: int, sentence: str | None = None) -> None:
        super().__init__(sentence)
        self.exit = HarnessExit(code, sentence)


class Player:
    """One attempt of one simulated agent."""

    def __init__(
        self,
        context: AgentContext,
        steps: Sequence[script.Step],
        write: Callable[[str], None],
        stop: asyncio.Event,
        speed: float,
    ) -> None:
        self._context = context
        self._steps = steps
        self._write = write
        self._stop = stop
        self._speed = speed
        self.native = NativeAgent(context)
        self._progress = Progress.load(context.home_dir)
        self._idle = False
        self._said = "ready"

    async def play(self) -> HarnessExit:
        """Play all steps, then rest until the native shutdown."""
        resumed = self._progress.step > 0
        self.native.hook("SessionStart", source="resume" if resumed else "startup")
        self._log("resumed" if resumed else "started")
        try:
            if self._context.agent.conflict is not None:
                self._log(await resolve(self._context, self._context.agent.conflict))
            await self._catch_up()
            while self._progress.step < len(self._steps):
                await self._do(self._steps[self._progress.step])
                self._progress.advance()
            await self._wait(script.Wait())
        except _EndingError as ending:
            self.native.hook("SessionEnd", reason="other")
            return ending.exit
        raise AssertionError("an endless wait has ended")

    def _log(self, text: str) -> None:
        self._write(f"[simulated] {text}")

    def _mark(self) -> str:
        """An id that is the same when this very step is done again after a kill."""
        return f"{self._context.agent.session_id[:8]}-{self._progress.step:06d}"

    async def _pause(self, seconds: float) -> None:
        """Wait for a while, unless the agent is told to stop."""
        try:
            async with asyncio.timeout(seconds / self._speed):
                await self._stop.wait()
        except TimeoutError:
            return
        self._log("stopped")
        raise _EndingError(EXIT_TERMINATED)

    # -- steps -----------------------------------------------------------------------------------------------

    async def _do(self, step: script.Step) -> None:
        if not isinstance(step, script.Wait):
            self._idle = False
        match step:
            case script.Say():
                self._said = step.text
                self._log(step.text)
            case script.Work():
                await self._work(step)
            case script.Send():
                if await self.native.send(step.to, step.text, step.summary, self._mark()):
                    self._log(f"sent to {step.to}: {step.summary or step.text}")
                else:
                    self._log(f"not sent: no agent named {step.to} is reachable")
            case script.Use():
                self.native.use(self._mark(), step.input, step.output, self._said)
            case script.Wait():
                await self._wait(step)
            case script.CreateTask() | script.Claim() | script.Complete():
                await self._tasks(step)
            case script.AskPermission() | script.AskQuestion() | script.SubmitPlan():
                await self._ask(step)
            case script.Fetch() | script.Push():
                self._log(await reach(self._context, step))
            case script.Report():
                self.native.report(self._mark(), step.key, step.value)
                self._log(f"reported {step.key}: {step.value}")
            case script.Dismiss():
                self.native.request(
                    self._mark(), "dismiss", teammate=step.teammate, reason="its work is done"
                )
                self._log(f"dismissed {step.teammate}")
            case script.Finish():
                await self._pass()
                self.native.request(self._mark(), "finish", summary=step.summary)
                self._log(f"finished: {step.summary}")
            case script.Fail():
                self.native.hook("StopFailure", error="unknown", last_assistant_message=step.message)
                raise _EndingError(
                    EXIT_FAILED, f"The simulated agent failed as its script says: {step.message}"
                )
            case script.Shutdown():
                await self._pass()
                self._log(f"ends: {step.reason}")
                raise _EndingError(EXIT_DONE)

    async def _ask(self, step: script.AskPermission | script.AskQuestion | script.SubmitPlan) -> None:
        """Asks a person; within a turn other mail waits, but a submitted plan ends the turn."""
        if isinstance(step, script.SubmitPlan):
            self._log(asking.told(step, await self._plan_answered(step)))
            return
        request = asking.permission_request(self.native.name, step)
        await self.native.notify(request, f"ask {request['request_id']}")
        self._log(f"asks: {request['description']}")
        while (answer := self._progress.answer(request["request_id"])) is None:
            await self._pause(self._tick)
            await self.native.take(self._progress.keep)
        self._log(asking.told(step, answer))

    async def _plan_answered(self, step: script.SubmitPlan) -> Mapping[str, Any]:
        if self._progress.plan is None:
            request = asking.plan_request(self.native.name, self._context.team.name, step.plan)
            self._progress.plan = request["requestId"]
            self._progress.save()
            await self.native.notify(request, f"plan {self._progress.plan}")
            self._log("submitted a plan")
        while (answer := self._progress.answer(self._progress.plan)) is None:
            if not self._idle:
                await self._end_turn()
            await self._pause(self._tick)
            await self.native.take(self._progress.keep)
            if self._progress.answered(self._progress.plan):
                continue
            if await self._read_taken():
                self._idle = False
        self._idle = False
        return answer

    @property
    def _tick(self) -> float:
        return max(TICK, SHORTEST_TICK * self._speed)

    async def _tasks(self, step: script.CreateTask | script.Claim | script.Complete) -> None:
        match step:
            case script.CreateTask():
                task = await self.native.create_task(self._mark(), step.subject, step.description, step.owner)
                self._log(f"created task {task.id}: {task.subject}")
            case script.Claim():
                await self._claim(step)
            case script.Complete() if await self._passes():
                for done in await self.native.complete(step.subject, self._mark()):
                    self._log(f"completed task {done.id}: {done.subject}")

    async def _claim(self, step: script.Claim) -> None:
        if await self.native.claimed(self._mark()) is not None:
            return
        for _ in range(TASK_TRIES):
            found = await self.native.claimable(step.subject)
            if found is None:
                self._log("found no task to claim")
                return
            if await self.native.claim(found, self._mark()):
                self._log(f"claimed task {found.id}: {found.subject}")
                return

    async def _work(self, step: script.Work) -> None:
        self.native.hook("PreToolUse", tool_name="Write" if step.write else "Read", tool_input={})
        await self._pause(step.seconds)
        for name, content in step.write.items():
            path = write_inside(self._context.cwd, name, content)
            if path is None:
                raise _EndingError(
                    EXIT_FAILED, f"The script writes outside of the working directory: {name[:100]}."
                )
            self.native.tool("Write", {"file_path": str(path)}, {"success": True}, f"{self._mark()} {name}")
            self._log(f"wrote {name}")
            self._judge(name)
        if step.write and self._context.team.mode == "coding":
            try:
                if await commit_files(Git(self._context.environment), self._context.cwd, list(step.write)):
                    self._log("committed")
            except GitError as error:
                raise _EndingError(EXIT_FAILED, f"The simulated agent could not commit: {error}") from error

    def _judge(self, name: str) -> None:
        """A repository tells at its merging who left their scope; without one it is told now."""
        scope = self._context.agent.scope
        if scope is not None and self._context.team.repository is None and not scope.allows(name):
            home = self._context.home_dir
            tell_outside(scope_state(home), {*told_outside(home), name})
            self._log(f"{name} is outside its scope")

    # -- the team's checks -----------------------------------------------------------------------------------

    async def _passes(self) -> bool:
        """Whether the checks are content with the work; ends the agent once they have failed too often."""
        finding = await until_stopped(self._context.inspector().inspect(), self._stop)
        if finding is None:
            self._log("stopped")
            raise _EndingError(EXIT_TERMINATED)
        for line in finding.told.splitlines():
            self._log(line)
        if finding.over is not None:
            raise _EndingError(EXIT_WORK_FAILED, f"{self.native.name}: {finding.over}")
        return finding.passed

    async def _pass(self) -> None:
        """Hold the end back until the checks pass; a script cannot mend its work any more by then."""
        while not await self._passes():
            await self._pause(self._tick)

    # -- turns and mail --------------------------------------------------------------------------------------

    async def _wait(self, wish: script.Wait) -> None:
        """End the turn and rest until the wish is fulfilled; mail in between is a turn of its own."""
        left = wish.seconds
        while True:
            if await self._read_mail():
                self._idle = False
            if await self._fulfilled(wish) or (left is not None and left <= 0):
                return
            if not self._idle:
                await self._end_turn()
            tick = self._tick if left is None else min(self._tick, max(left, 0.001))
            await self._pause(tick)
            left = None if left is None else left - tick

    async def _fulfilled(self, wish: script.Wait) -> bool:
        if wish.mail_from and self._progress.use_up(wish.mail_from):
            return True
        if wish.task and await self.native.claimable() is not None:
            return True
        return bool(wish.ended) and have_ended(self.native.layout, self._context.team, wish.ended)

    async def _catch_up(self) -> None:
        """What a killed attempt had taken and not read, or read and not answered."""
        await self._read_taken()
        await self._answer_shutdown()

    async def _read_mail(self) -> bool:
        """Look into the mailbox; whether there was anything."""
        await self.native.take(self._progress.keep)
        return await self._read_taken()

    async def _read_taken(self) -> bool:
        messages = self._progress.waiting()
        if not messages:
            return False
        self.native.read_aloud(messages)
        self._progress.looked_at(messages)
        for message in messages:
            self._log(f"received {message.type} from {message.sender}")
        await self._answer_shutdown()
        return True

    async def _answer_shutdown(self) -> None:
        """Approve and end, if it was asked for; a kill in between only approves the same request again."""
        request = self._progress.shutdown
        if request is None:
            return
        await self._pass()
        await self.native.notify(notices.approved(self.native.name, request), f"shutdown {request}")
        self._log("approved the shutdown")
        raise _EndingError(EXIT_DONE)

    async def _end_turn(self) -> None:
        self._idle = True
        self._progress.turns += 1
        self._progress.save()
        self.native.hook("Stop", stop_hook_active=False, last_assistant_message=self._said)
        self.native.hook("TeammateIdle", teammate_name=self.native.name, team_name=self._context.team.name)
        await self.native.notify(notices.idle(self.native.name, self._said), f"idle {self._progress.turns}")
        self._log("idle")
