"""A controller on a model server: children, status, gates, restarts, and no write too many."""

import asyncio
from typing import Any

import pytest

from kagents_controller.expectations import LIMIT_SECONDS
from kagents_core.api.resources import AGENT_TEAM_RUNS, AGENT_TEAMS, CLAIMS, PODS
from kagents_core.kube.client import path_of
from kagents_core.reconcile import Event
from kagents_core.reconcile.names import child_name

GATE = {"event": "spawn-b"}
MINE = "/apis/claude.amcheste.io/v1alpha1/namespaces/other/agentteams/mine"


async def test_a_team_gets_its_children_its_status_and_its_events(world: Any, simple: Any) -> None:
    world.apply(simple({"name": "a"}, {"name": "b"}, gates=(GATE,)))
    await world.until(lambda: world.status().get("phase") == "Initializing")
    await world.quiet()
    assert world.agents() == ["a", "hub", "lead"]
    assert len(world.of("persistentvolumeclaims")) == 2
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in world.pods().values()} == {
        world.team()["metadata"]["uid"]
    }
    assert world.status()["teammates"][1]["pendingApproval"] == "spawn-b"
    reasons = {event["reason"] for event in world.events()}
    assert {"Initializing", "ApprovalNeeded"} <= reasons
    assert all(event["involvedObject"]["uid"] == world.team()["metadata"]["uid"] for event in world.events())


async def test_a_whole_life_takes_one_write_a_change(world: Any, simple: Any) -> None:
    path = world.apply(simple({"name": "a"}, {"name": "b", "dependsOn": ["a"]}))
    await world.quiet()
    for agent in ("hub", "lead", "a"):
        world.set_phase(agent, "Running")
    await world.until(lambda: world.status().get("phase") == "Running")
    world.set_phase("a", "Succeeded")
    await world.until(lambda: world.pods("b"))
    await world.quiet()
    for agent in ("b", "lead"):
        world.set_phase(agent, "Running")
        world.set_phase(agent, "Succeeded")
    await world.until(lambda: world.status().get("phase") == "Completed")
    world.set_phase("hub", "Succeeded")
    await world.quiet()
    writes = world.writes()
    made = [path for verb, path in writes if verb in ("POST", "PATCH") and not path.endswith("/status")]
    assert len(made) == len(set(made)) == 6, "each child once: two claims, hub, lead, two teammates"
    assert len(writes) <= 2 + 10
    assert [verb for verb, *_ in world.server.log if verb == "GET"] == ["GET"] * 7, "no read after the lists"
    assert path in world.server.objects
    before = len(world.server.log)
    world.change(path, {"metadata": {"labels": {"x": "y"}}})
    await world.quiet()
    assert world.server.log[before:] == [], "an unimportant change is no reason to write"


async def test_approval_by_annotation_starts_the_teammate(world: Any, simple: Any) -> None:
    path = world.apply(simple({"name": "b"}, gates=(GATE,)))
    await world.until(lambda: world.status().get("teammates"))
    await world.quiet()
    assert world.agents() == ["hub", "lead"]
    world.change(path, {"metadata": {"annotations": {"approved.claude.amcheste.io/spawn-b": "true"}}})
    await world.until(lambda: world.pods("b"))


async def test_a_failed_agent_is_replaced_once(world: Any, simple: Any) -> None:
    world.apply(simple({"name": "a"}))
    await world.quiet()
    world.set_phase("a", "Running")
    world.set_phase("a", "Failed")
    await world.until(lambda: len(world.pods("a")) == 2)
    await world.quiet()
    assert len(world.pods("a")) == 2
    assert world.status()["teammates"][0]["restartCount"] == 1


async def test_a_vanished_pod_is_replaced(world: Any, simple: Any) -> None:
    world.apply(simple({"name": "a"}))
    await world.quiet()
    (path,) = world.pods("a")
    world.server.remove(path)
    await world.until(lambda: world.pods("a"))
    assert path not in world.pods("a")


async def test_cancel_deletes_the_agents(world: Any, simple: Any) -> None:
    path = world.apply(simple({"name": "a"}))
    await world.quiet()
    world.change(path, {"spec": {"cancel": True}})
    await world.until(lambda: world.status().get("phase") == "Cancelled")
    await world.until(lambda: world.agents() == ["hub"])


async def test_deadlines_are_kept_without_polling(world: Any, simple: Any) -> None:
    world.apply(simple({"name": "a"}, timeout="2s"))
    await world.quiet()
    before = len(world.server.log)
    await world.until(lambda: world.status().get("phase") == "TimedOut")
    first = world.server.log[before]
    assert first[0] in ("DELETE", "PATCH"), "nothing was sent before the deadline"


async def test_an_invalid_team_ends_at_once_with_the_reason(world: Any, simple: Any) -> None:
    world.apply(simple({"name": "a", "dependsOn": ["nobody"]}))
    await world.until(lambda: world.status().get("phase") == "Failed")
    condition = next(c for c in world.status()["conditions"] if c["type"] == "InvalidSpec")
    assert "nobody" in condition["message"]
    assert not world.pods()
    world.apply({"nonsense": 1}, "broken")
    await world.until(lambda: world.status("broken").get("phase") == "Failed")


async def test_a_refused_pod_is_told_and_tried_again(world: Any, simple: Any, model: Any) -> None:
    await world.until(lambda: world.controller.synced.is_set())
    await world.until(lambda: len(world.server.watchers) == 7)
    world.server.faults = [model.refuse(403, "Forbidden", "exceeded quota: pods") for _ in range(2)]
    world.apply(simple())
    await world.until(lambda: world.agents() == ["hub", "lead"])
    await world.until(lambda: any("exceeded quota" in e["message"] for e in world.events("FailedCreate")))


async def test_the_same_event_counts_up(world: Any, simple: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kagents_controller.events.REPEAT_SECONDS", 0.05)
    world.apply(simple())
    await world.quiet()
    for _ in range(3):
        world.controller._events.tell(world.team(), Event("Warning", "Again", "the same thing"))
        await world.quiet()
    await world.until(lambda: [event["count"] for event in world.events("Again")] == [3])
    await world.kill()
    await world.start()
    await world.until(lambda: world.controller.synced.is_set())
    world.controller._events.tell(world.team(), Event("Warning", "Again", "the same thing"))
    await world.until(lambda: [event["count"] for event in world.events("Again")] == [4])


# ── runs and templates ───────────────────────────────────────────────────────────────────────────


async def test_a_run_waits_for_its_template_makes_one_team_and_mirrors_it(world: Any, simple: Any) -> None:
    run = world.run_of(lead={"prompt": "go"}, workspace={"output": {}}, harness="simulated")
    shown = lambda: world.server.objects[run].get("status") or {}  # noqa: E731
    await world.until(lambda: shown().get("conditions"))
    assert shown()["conditions"][0]["reason"] == "TemplateNotFound"
    template = world.template({"teammates": [{"name": "a", "prompt": "work"}]})
    await world.until(lambda: shown().get("phase") == "Initializing")
    assert world.server.objects[template]["status"]["ready"] is True
    assert world.agents() == ["a", "hub", "lead"]
    assert world.team()["metadata"]["ownerReferences"][0]["kind"] == "AgentTeamRun"
    world.change(run, {"spec": {"cancel": True}})
    await world.until(lambda: shown().get("phase") == "Cancelled")
    world.server.remove(path_of(AGENT_TEAM_RUNS, "ns", "demo"))
    await world.quiet()


async def test_a_bad_template_says_so(world: Any) -> None:
    path = world.template(
        {"teammates": [{"name": "a", "prompt": "x"}, {"name": "a", "prompt": "y"}]}, "doubled"
    )
    await world.until(lambda: world.server.objects[path].get("status"))
    assert world.server.objects[path]["status"]["ready"] is False


# ── kills, restarts, stale caches ────────────────────────────────────────────────────────────────


async def test_killed_after_any_write_and_restarted_ends_the_same(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    for cut in range(1, 14):
        name = f"team-{cut}"
        world.apply(simple({"name": "a"}, {"name": "b"}), name)
        await world.start()
        start = len(world.writes())
        await world.until(lambda: len(world.writes()) - start >= cut or done(world, name))  # noqa: B023
        await world.kill()
        await world.start()
        await world.until(lambda: done(world, name))  # noqa: B023
        await world.quiet()
        await world.kill()
        made = sorted(
            p["metadata"]["labels"]["claude.amcheste.io/agent"] for p in world.pods(team=name).values()
        )
        assert made == ["a", "b", "hub", "lead"], f"killed after {cut} writes"
        assert all(entry["restartCount"] == 0 for entry in world.status(name)["teammates"])


def done(world: Any, name: str) -> bool:
    return bool(world.status(name).get("phase") == "Initializing")


async def test_a_pod_watch_that_lags_never_doubles_a_pod(world: Any, simple: Any) -> None:
    """The status echo arrives while the pod watch is dead: the pods are not cached, and not gone."""
    await world.until(lambda: len(world.server.watchers) == 7)
    reflector = next(r for r in world.controller.reflectors if r.resource is PODS)
    held = asyncio.Event()
    real = reflector.store.apply

    def lagging(events: Any) -> None:
        if held.is_set():
            real(events)
        else:
            buffered.extend(events)

    buffered: list[Any] = []
    reflector.store.apply = lagging
    reads = world.server.requests["GET"]
    path = world.apply(simple({"name": "a"}))
    await world.until(lambda: world.status().get("phase") == "Initializing")
    for number in range(5):
        world.change(path, {"metadata": {"labels": {"n": str(number)}}})
        await asyncio.sleep(0.01)
    assert world.agents() == ["a", "hub", "lead"]
    assert world.server.requests["GET"] == reads, "it waits, it does not ask"
    held.set()
    real(buffered)
    await world.quiet()
    assert world.agents() == ["a", "hub", "lead"]


async def test_a_pod_that_only_the_server_knows_is_not_replaced(world: Any, simple: Any) -> None:
    """Another controller made the pod a moment ago: the status names it, this cache has not heard of it."""
    await world.until(lambda: len(world.server.watchers) == 7)
    world.apply(simple({"name": "a"}))
    await world.quiet()
    ((path, pod),) = world.pods("a").items()
    key = ("ns", pod["metadata"]["name"])
    world.controller.caches.pods.retain(set(world.controller.caches.pods) - {key})
    await asyncio.sleep(0.1)
    assert list(world.pods("a")) == [path]


async def test_a_lost_reply_doubles_nothing(world: Any, simple: Any) -> None:
    await world.until(lambda: len(world.server.watchers) == 7)
    world.server.faults = ["drop", "drop"]
    world.apply(simple({"name": "a"}))
    await world.until(lambda: world.status().get("phase") == "Initializing", 20)
    await world.quiet(20)
    assert world.agents() == ["a", "hub", "lead"]


async def test_stop_finishes_and_returns(world: Any, simple: Any) -> None:
    world.apply(simple())
    await world.until(lambda: world.status().get("phase"))
    await asyncio.wait_for(world.controller.stop(), 10)
    await asyncio.wait_for(world._task, 10)


async def test_only_the_named_namespaces_are_worked_in(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    world.apply(simple(), "here")
    await world.start(namespaces=["other", "ns"])
    await world.until(lambda: world.status("here").get("phase") == "Initializing")
    await world.kill()
    world.apply(simple(), "there")
    await world.start(namespaces=["other"])
    await world.until(lambda: world.controller.synced.is_set())
    world.apply(simple(), "visible")
    world.server.put(MINE, world.team("visible"))
    await world.until(lambda: world.server.objects[MINE].get("status"))
    assert not world.status("there")


async def test_echoes_that_arrive_before_the_answers_stall_nothing(world: Any, simple: Any) -> None:
    world.server.answer_delay = 0.03
    world.apply(simple({"name": "a"}))
    async with asyncio.timeout(LIMIT_SECONDS - 1):
        await world.until(lambda: world.status().get("phase") == "Initializing")
        for agent in ("hub", "lead", "a"):
            world.set_phase(agent, "Running")
        await world.until(lambda: world.status().get("phase") == "Running")
        await world.quiet()


async def test_a_new_team_of_the_same_name_never_gets_its_predecessors_status(
    world: Any, simple: Any
) -> None:
    path = world.apply(simple({"name": "a"}))
    await world.quiet()
    world.server.answer_delay = 0.02
    for agent in ("hub", "lead", "a"):
        world.set_phase(agent, "Succeeded")  # a status write is on its way
    await asyncio.sleep(0.01)
    world.server.remove(path)
    world.apply(simple({"name": "a"}))
    await world.until(lambda: len(world.pods("a")) == 2)
    await world.quiet()
    assert world.status()["phase"] == "Initializing"


async def test_the_recorder_writing_at_the_same_time_loses_nothing(world: Any, simple: Any) -> None:
    path = world.apply(simple({"name": "a"}))
    world.server.answer_delay = 0.005
    for number in range(20):
        world.change(path, {"status": {"tasks": {"total": number}}}, status=True)
        if number == 10:
            await world.until(lambda: world.agents() == ["a", "hub", "lead"])
            world.set_phase("hub", "Running")
            world.set_phase("lead", "Running")
        await asyncio.sleep(0.004)
    await world.until(lambda: world.status().get("phase") == "Running")
    assert world.status()["tasks"] == {"total": 19}


async def test_a_child_that_exists_unseen_is_taken_over(stopped_world: Any, simple: Any) -> None:
    """An answer was lost, or the cache is behind: the name is taken, and by nobody else."""
    world = stopped_world
    world.apply(simple({"name": "a"}))
    name = child_name("demo", world.team()["metadata"]["uid"], "team")
    path = path_of(CLAIMS, "ns", name)
    world.server.put(path, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": {}})
    await world.start()
    await world.until(lambda: world.status().get("phase") == "Initializing")
    assert world.server.objects[path]["metadata"]["labels"]["app.kubernetes.io/name"] == "kagents"
    assert world.agents() == ["a", "hub", "lead"]
    await world.quiet()


async def test_what_changed_while_nobody_worked_comes_first(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    names = [f"team-{number}" for number in range(8)]
    for name in names:
        world.apply(simple({"name": "b"}, gates=(GATE,)), name)
    await world.start()
    await world.until(lambda: all(world.status(name).get("phase") == "Initializing" for name in names))
    await world.quiet()
    await world.kill()
    world.change(
        path_of(AGENT_TEAMS, "ns", "team-6"),
        {"metadata": {"annotations": {"approved.claude.amcheste.io/spawn-b": "true"}}},
    )
    [lead] = world.pods("lead", "team-3")
    world.change(lead, {"status": {"phase": "Running"}}, status=True)
    await world.start(workers=1)
    looked: list[str] = []
    reconcile = world.controller.reconcile

    async def watched(owner: Any) -> Any:
        looked.append(owner[2])
        return await reconcile(owner)

    world.controller.reconcile = watched
    await world.until(lambda: world.pods("b", "team-6"))
    await world.quiet()
    assert looked[:2] == ["team-3", "team-6"]
