"""The simulated API server is held to the same tests as the engine's and a real one, as far as it goes.

It has no schemas, no JSON patches, no PUT and no authorization: controllers ask for none of them. Lists are
owned as a whole by who applies them, as the controller and the recorder share none.
"""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from simulator.cluster import Cluster, Life
from simulator.server import Server as Simulated
from simulator.weather import Weather
from simulator.wire import Link, SimulatedClient

SUITE = Path(__file__).parents[1] / "conformance"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"kagents_conformance_{name}", SUITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_suite = _load("conftest")
_objects, _applying, _watching = _load("test_objects"), _load("test_applying"), _load("test_watching")

test_name = _objects.test_a_name_is_taken_once
test_missing = _objects.test_what_is_not_there_is_not_found
test_generated_name = _objects.test_generate_name
test_generation = _objects.test_the_generation_counts_changes_of_the_spec_only
test_status_apart = _objects.test_status_and_spec_are_written_apart
test_removal_by_null = _objects.test_merge_patch_removes_by_null
test_deletion_by_uid = _objects.test_deletion_bound_to_a_uid
test_namespace = _objects.test_a_namespace_that_is_missing_takes_no_object
test_dry_run = _objects.test_dry_run_changes_nothing
test_repeated_apply = _applying.test_apply_makes_what_is_missing_and_repeats_nothing
test_conflict = _applying.test_a_field_of_another_manager_is_a_conflict_that_names_it
test_given_up = _applying.test_what_a_manager_no_longer_applies_goes
test_shared_field = _applying.test_what_two_managers_apply_stays_until_both_let_go
test_shared_status = _applying.test_two_managers_share_a_status
test_old_version = _applying.test_an_apply_bound_to_an_old_version_is_refused
test_pages = _watching.test_pages_hold_everything_once
test_labels = _watching.test_label_selectors
test_fields = _watching.test_a_field_selector_finds_one_name
test_watch_after_list = _watching.test_a_watch_goes_on_where_a_list_ended
test_comings_and_goings = _watching.test_a_selector_turns_changes_into_comings_and_goings


@pytest.fixture
def make_team() -> Callable[..., dict[str, Any]]:
    """The builder of teams of that suite."""
    built: Callable[..., dict[str, Any]] = _suite.team
    return built


class _Direct(_suite.Server):  # type: ignore[misc]
    """That suite's view of a server, without HTTP in between."""

    async def answer(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **query: str
    ) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        found = self.session.handle(method, path, query, media, data)
        return found.status, orjson.loads(found.body)


@pytest.fixture
async def server() -> AsyncIterator[Any]:
    """The simulated server, with its garbage collector and no controller."""
    loop = asyncio.get_running_loop()
    simulated = Simulated(loop.time)
    namespace = "conformance"
    simulated.write(("/api/v1/namespaces", "", namespace), {"metadata": {"name": namespace}})
    Cluster(simulated, loop.call_later, Life())
    link = Link(Weather(simulated, {}, 0), lambda: None, lambda seconds: None, None)
    yield _Direct(SimulatedClient(link), simulated, namespace, False)


async def test_history_that_is_gone(server: Any, make_team: Callable[..., dict[str, Any]]) -> None:
    for number in range(4):
        await server.call("POST", server.path(), make_team(f"t{number}"))
    server.session.compacted = server.session.version
    events = server.client.watch(_watching.AGENT_TEAMS, server.namespace, resource_version="1")
    with pytest.raises(_watching.Gone):
        await _watching.first(events, 1)


@pytest.mark.parametrize("policy", ["Background"])
async def test_what_a_deleted_owner_leaves(
    server: Any, make_team: Callable[..., dict[str, Any]], policy: str
) -> None:
    wait: Callable[..., Awaitable[None]] = _suite.eventually
    await _objects.test_what_a_deleted_owner_leaves(server, make_team, wait, policy)
