"""What a simulated agent writes: mail, tasks, hook payloads and a transcript, in the shapes of the real CLI.

The shapes are those of the recorded files (tests/fixtures/protocol-samples, gateway-and-hooks).
"""

import asyncio
import html
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.config import color_of
from kagents_core.teamfiles.events import append_event, append_line
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.locks import LockTimeoutError
from kagents_core.teamfiles.mailbox import Contents, Message, new_message
from kagents_core.teamfiles.nativejson import timestamp
from kagents_core.teamfiles.tasks import Task, create_task, list_tasks, update_task
from kagents_runner.harness.protocol import AgentContext
from kagents_runner.requests import request
from kagents_runner.results import report

PATIENCE: Final = 30.0
"""Seconds that a locked mailbox or task is tried: the lock of a killed process is stale after ten.

The real CLI gives up after one or three; a demonstration should not.
"""
VERSION: Final = "simulated"
CREATED: Final = "simulationCreated"
"""Key of a task's metadata that says which step made it."""
CLAIMED: Final = "simulationClaimed"
Result = TypeVar("Result")


async def _patiently(step: Callable[[], Awaitable[Result]]) -> Result:
    """Do a step under a native lock, again while the lock is held. Raises ``LockTimeoutError`` in the end."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await step()
        except LockTimeoutError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)


class NativeAgent:
    """One simulated member of a team."""

    def __init__(self, context: AgentContext) -> None:
        self.context = context
        self.name = context.agent.name
        self.layout = TeamLayout(context.team_dir, context.team.name)
        self._names = [entry.name for entry in context.team.agents]
        self._color = color_of(self._names.index(self.name)) if self.name in self._names else None
        slug = re.sub(r"[^A-Za-z0-9]", "-", str(context.cwd))
        self.transcript = Path("projects") / slug[:200] / f"{context.agent.session_id}.jsonl"
        self._transcript_path = context.home_dir / self.transcript
        self._transcript_path.parent.mkdir(parents=True, exist_ok=True)

    # -- hooks and transcript --------------------------------------------------------------------------------

    def hook(self, event: str, **fields: Any) -> None:
        """Append a hook payload to the agent's event file."""
        payload = {
            "session_id": self.context.agent.session_id,
            "transcript_path": str(self._transcript_path),
            "cwd": str(self.context.cwd),
            "agent_type": "general-purpose",
            "hook_event_name": event,
            **fields,
        }
        append_event(self.layout, self.name, payload)

    def tool(self, name: str, given: Mapping[str, Any], answer: Mapping[str, Any], mark: str) -> None:
        """The payload of a finished tool call; its id follows from ``mark``."""
        self.hook(
            "PostToolUse",
            tool_name=name,
            tool_input=dict(given),
            tool_response=dict(answer),
            tool_use_id=f"toolu_{self.identity(f'{name} {mark}').hex[:24]}",
            duration_ms=1,
        )

    def identity(self, mark: str) -> uuid.UUID:
        """An id that is the same whenever this agent does the same thing again after a kill."""
        return uuid.uuid5(uuid.UUID(self.context.agent.session_id), mark)

    def _transcribe(self, kind: str, message: Mapping[str, Any], mark: str, **fields: Any) -> None:
        entry = {
            "isSidechain": False,
            "teamName": self.context.team.name,
            "agentName": self.name,
            "type": kind,
            "message": dict(message),
            "uuid": str(self.identity(f"{kind} {mark}")),
            "timestamp": timestamp(),
            "cwd": str(self.context.cwd),
            "sessionId": self.context.agent.session_id,
            "version": VERSION,
            **fields,
        }
        append_line(self._transcript_path, entry)

    def use(self, request: str, input_tokens: int, output_tokens: int, text: str) -> None:
        """One answer of the model that is not there, with its usage."""
        usage = {
            "input_tokens": input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        }
        message = {
            "id": f"msg_{request}",
            "type": "message",
            "role": "assistant",
            "model": self.context.agent.model or "sonnet",
            "content": [{"type": "text", "text": text}],
            "usage": usage,
        }
        self._transcribe("assistant", message, request, requestId=f"req_{request}")

    # -- mail ------------------------------------------------------------------------------------------------

    async def send(self, to: str, text: str, summary: str | None, mark: str) -> bool:
        """A message by the messaging tool, which its hook then tells of; False for an unknown receiver."""
        given = {"to": to, "summary": summary or "", "message": text}
        if to != TEAM_LEAD and to not in self._names:
            words = f"No agent named '{to}' is reachable."
            self.tool("SendMessage", given, {"success": False, "message": words}, mark)
            return False
        message_id = str(self.identity(f"message {mark}"))
        message = new_message(self.name, text, summary=summary, color=self._color, message_id=message_id)
        await self._deliver(to, message)
        routing: dict[str, Any] = {"sender": self.name, "target": f"@{to}"}
        routing |= {"summary": summary or "", "content": text}
        if self._color:
            routing["senderColor"] = self._color
        answer = {
            "success": True,
            "message": f"Message sent to {to}'s inbox",
            "msg_id": message_id,
            "routing": routing,
        }
        self.tool("SendMessage", given, answer, mark)
        return True

    async def notify(self, data: Mapping[str, Any], mark: str) -> None:
        """A protocol message to ``team-lead``: no tool is called, so no hook tells of it."""
        message_id = str(self.identity(f"notice {mark}"))
        await self._deliver(TEAM_LEAD, new_message(self.name, data, color=self._color, message_id=message_id))

    async def _deliver(self, to: str, message: Message) -> None:
        await _patiently(lambda: mailbox.deliver(self.layout, to, message))

    async def take(self, keep: Callable[[Contents], None]) -> list[Message]:
        """Take what lies in the mailbox; ``keep`` stores it before it is removed."""
        try:
            messages, _ = await mailbox.take(self.layout, self.name, keep=keep)
        except LockTimeoutError:
            return []
        return messages

    def read_aloud(self, messages: Sequence[Message]) -> None:
        """Mail reaches the transcript as one turn, in the tags that the model would see."""
        texts = []
        for message in messages:
            summary = f' summary="{html.escape(message.summary)}"' if message.summary else ""
            color = f' color="{message.color}"' if message.color else ""
            body = message.text.replace("<teammate-message", "<\\teammate-message")
            body = body.replace("</teammate-message", "<\\/teammate-message")
            head = f'<teammate-message teammate_id="{html.escape(message.sender)}"{color}{summary}>'
            texts.append(f"{head}\n{body}\n</teammate-message>")
        mark = " ".join(message.id or message.written for message in messages)
        self._transcribe("user", {"role": "user", "content": "\n\n".join(texts)}, mark)

    # -- tasks -----------------------------------------------------------------------------------------------

    async def create_task(self, mark: str, subject: str, description: str, owner: str | None) -> Task:
        """A new task, once for each ``mark``; its owner is set in a second step and told by mail."""
        task = await self._marked(CREATED, mark)
        if task is None:
            task = await _patiently(
                lambda: create_task(self.layout, subject, description, metadata={CREATED: mark})
            )
        given = {"subject": subject, "description": description}
        self.tool("TaskCreate", given, {"task": {"id": task.id, **given}}, mark)
        if owner:
            await self._assign(task, owner, mark)
        return task

    async def _assign(self, task: Task, owner: str, mark: str) -> None:
        """Give a new task to an agent, unless it has moved on since a kill."""

        def change(now: Task) -> Mapping[str, Any] | None:
            return {"owner": owner} if now.owner is None and now.status == "pending" else None

        await _patiently(lambda: update_task(self.layout, task.id, change))
        data = {
            "type": "task_assignment",
            "taskId": task.id,
            "subject": task.subject,
            "description": task.description,
            "assignedBy": self.name,
            "timestamp": timestamp(),
        }
        message_id = str(self.identity(f"assignment {mark}"))
        await self._deliver(owner, new_message(self.name, data, color=self._color, message_id=message_id))
        answer = {"success": True, "taskId": task.id, "updatedFields": ["owner"]}
        self.tool("TaskUpdate", {"taskId": task.id, "owner": owner}, answer, mark)

    async def _marked(self, key: str, mark: str) -> Task | None:
        """The task that this very step has made or claimed before a kill."""
        tasks = (await list_tasks(self.layout)).tasks
        return next((task for task in tasks if _metadata(task).get(key) == mark), None)

    async def claimable(self, subject: str | None = None) -> Task | None:
        """The task this agent would take now: its own first, and none whose blockers are open."""
        tasks = (await list_tasks(self.layout)).tasks
        done = {task.id for task in tasks if task.status == "completed"}
        free = [
            task
            for task in tasks
            if task.status == "pending"
            and (not task.owner or task.owner == self.name)
            and all(blocker in done for blocker in task.blocked_by)
            and (subject is None or task.subject == subject)
        ]
        return min(free, key=lambda task: task.owner != self.name, default=None)

    async def claimed(self, mark: str) -> Task | None:
        """The task that this very step has claimed before a kill."""
        return await self._marked(CLAIMED, mark)

    async def claim(self, task: Task, mark: str) -> bool:
        """Take a task; False when somebody was faster."""

        def change(now: Task) -> Mapping[str, Any] | None:
            if now.owner not in (None, self.name) or now.status != "pending":
                return None
            return {"status": "in_progress", "owner": self.name, "metadata": {CLAIMED: mark}}

        if await _patiently(lambda: update_task(self.layout, task.id, change)) is None:
            return False
        self._moved(task, "pending", "in_progress", ["owner", "status"], mark)
        return True

    async def complete(self, subject: str | None, mark: str) -> list[Task]:
        """Complete this agent's tasks in progress."""
        mine = [
            task
            for task in (await list_tasks(self.layout)).tasks
            if task.owner == self.name and task.status == "in_progress" and subject in (None, task.subject)
        ]
        for task in mine:
            await _patiently(partial(update_task, self.layout, task.id, {"status": "completed"}))
            self._moved(task, "in_progress", "completed", ["status"], mark)
        return mine

    def _moved(self, task: Task, before: str, after: str, fields: list[str], mark: str) -> None:
        change = {"from": before, "to": after}
        answer = {"success": True, "taskId": task.id, "updatedFields": fields, "statusChange": change}
        self.tool("TaskUpdate", {"taskId": task.id, "status": after}, answer, f"{mark} {task.id}")

    # -- requests --------------------------------------------------------------------------------------------

    def request(self, mark: str, kind: str, **arguments: str) -> None:
        """A request to the recorder, once for each ``mark``."""
        request(self.layout, self.name, kind, arguments, mark)

    def report(self, mark: str, key: str, value: str) -> None:
        """A result, once for each ``mark``."""
        report(self.layout, self.name, {key: value}, identity=mark)


def _metadata(task: Task) -> Mapping[str, Any]:
    metadata = task.raw.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
