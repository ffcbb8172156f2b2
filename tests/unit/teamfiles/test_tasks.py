"""Tasks: the native shape and numbers, changes under the lock, hostile contents survived."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.mailbox import Malformed
from kagents_core.teamfiles.tasks import (
    TASK_LIMIT,
    Task,
    TaskError,
    create_task,
    delete_task,
    list_tasks,
    parse_task,
    read_task,
    update_task,
)

SAMPLES = Path(__file__).parents[2] / "fixtures" / "protocol-samples" / "2.1.329"


@pytest.mark.parametrize("name", ["task_1", "task_2_blockedBy", "task_4_metadata"])
async def test_native_tasks_are_read_and_written_byte_for_byte(layout: TeamLayout, name: str) -> None:
    native = (SAMPLES / f"{name}.json").read_text().rstrip("\n")
    raw = json.loads(native)
    layout.task(raw["id"]).write_text(native)
    before = layout.task(raw["id"]).stat().st_ino
    await update_task(layout, raw["id"], {"status": "deferred"})
    await update_task(layout, raw["id"], {"status": raw["status"]})
    assert layout.task(raw["id"]).read_text() == native
    assert layout.task(raw["id"]).stat().st_ino == before, "natively a task is written in place"


async def test_a_new_task_has_the_native_shape(layout: TeamLayout) -> None:
    task = await create_task(
        layout, "Write parser", "All of it", active_form="Writing parser", owner="worker"
    )
    written = layout.task("1").read_text()
    assert list(json.loads(written)) == [
        "id",
        "subject",
        "description",
        "activeForm",
        "owner",
        "status",
        "blocks",
        "blockedBy",
    ]
    assert written.startswith('{\n  "id": "1",\n') and not written.endswith("\n")
    assert (task.id, task.status, task.owner) == ("1", "pending", "worker")
    assert (layout.tasks / ".lock").read_bytes() == b""
    assert sorted(path.name for path in layout.tasks.iterdir()) == [".lock", "1.json"]


async def test_a_shorter_task_leaves_no_rest(layout: TeamLayout) -> None:
    await create_task(layout, "long", "x" * 5000)
    await update_task(layout, "1", {"description": "short"})
    assert json.loads(layout.task("1").read_text())["description"] == "short"


async def test_numbers_are_never_used_again(layout: TeamLayout) -> None:
    for number in ("1", "2", "3"):
        assert (await create_task(layout, number)).id == number
    await delete_task(layout, "3")
    await delete_task(layout, "3")
    assert layout.high_water_mark.read_text() == "3"
    assert (await create_task(layout, "next")).id == "4"
    layout.task("9").write_text("torn {")
    assert (await create_task(layout, "after a torn one")).id == "10"
    layout.high_water_mark.write_text("garbage")
    assert (await create_task(layout, "still")).id == "11"


async def test_fields_are_merged_and_unknown_ones_stay(layout: TeamLayout) -> None:
    layout.task("1").write_text(
        '{"id":"1","subject":"s","status":"pending","future":[1],"metadata":{"a":1,"b":2}}'
    )
    task = await update_task(layout, "1", {"owner": "w", "metadata": {"b": None, "c": 3}})
    assert task is not None
    assert task.raw == {
        "id": "1",
        "subject": "s",
        "owner": "w",
        "status": "pending",
        "metadata": {"a": 1, "c": 3},
        "future": [1],
    }
    assert json.loads(layout.task("1").read_text()) == task.raw


async def test_a_change_can_say_no(layout: TeamLayout) -> None:
    await create_task(layout, "one", owner="first")
    before = layout.task("1").stat().st_mtime_ns
    assert await update_task(layout, "1", lambda task: None if task.owner else {"owner": "second"}) is None
    assert layout.task("1").stat().st_mtime_ns == before


async def test_what_cannot_be_changed_says_why(layout: TeamLayout) -> None:
    with pytest.raises(TaskError, match="There is no task 7"):
        await update_task(layout, "7", {"status": "completed"})
    layout.task("1").write_text("{")
    with pytest.raises(TaskError, match="cannot be read"):
        await update_task(layout, "1", {"status": "completed"})
    with pytest.raises(TaskError, match="larger than"):
        await create_task(layout, "big", "x" * TASK_LIMIT)


async def test_a_list_has_the_order_of_numbers_and_sets_damage_aside(
    layout: TeamLayout, tmp_path: Path
) -> None:
    for number in range(11):
        await create_task(layout, f"s{number}")
    layout.task("3").write_text('{"id":"3","sub')
    layout.task("4").write_bytes(b"")
    layout.task("5").write_text('{"id":"6","subject":"wrong name","status":"pending"}')
    layout.task("12").symlink_to(tmp_path / "elsewhere")
    (layout.tasks / "has space.json").write_text("{}")
    (layout.tasks / ".hidden.json").write_text("{}")
    layout.task("x").write_text('{"id":"x","subject":"named","status":"pending"}')
    found = await list_tasks(layout)
    assert [task.id for task in found.tasks] == ["1", "2", "6", "7", "8", "9", "10", "11", "x"]
    assert [entry.source for entry in found.malformed] == ["3.json", "4.json", "5.json", "12.json"]
    assert await read_task(layout, "99") is None


@given(
    st.one_of(
        st.binary(max_size=100),
        st.dictionaries(
            st.sampled_from(["id", "subject", "status", "owner", "blocks", "blockedBy", "metadata"]),
            st.none()
            | st.integers()
            | st.text(max_size=5)
            | st.lists(st.integers() | st.text(max_size=3), max_size=3),
        ).map(lambda value: json.dumps(value).encode()),
        st.just(b"[" * 5000),
    )
)
def test_no_content_of_a_task_crashes(content: bytes) -> None:
    found = parse_task(content, "1.json")
    if isinstance(found, Task):
        assert found.id == "1"
        assert [found.subject, found.description, found.owner, found.status, found.blocks, found.blocked_by]
    else:
        assert isinstance(found, Malformed) and found.reason


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["create", "delete"]), max_size=12))
def test_ids_only_ever_grow(layout: TeamLayout, acts: list[str]) -> None:
    async def run() -> None:
        given_ids: list[int] = []
        for act in acts:
            if act == "create":
                given_ids.append(int((await create_task(layout, "s")).id))
            elif given_ids:
                await delete_task(layout, str(given_ids[-1]))
        assert given_ids == sorted(set(given_ids))

    asyncio.run(run())


async def test_several_processes_never_claim_or_number_the_same_task(
    layout: TeamLayout, start_writer: Any
) -> None:
    for _ in range(20):
        await create_task(layout, "open")
    writers = [await start_writer("claim", layout.root, name, 20) for name in ("a", "b", "c")]
    async with asyncio.timeout(90):
        printed = [(await writer.communicate())[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert sorted(map(int, b"".join(printed).split())) == list(range(1, 21))
    found = await list_tasks(layout)
    assert len(found.tasks) == 20 + 60 and not found.malformed
