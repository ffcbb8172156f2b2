"""The controller tells when the served definitions lack fields that it knows."""

import copy
import logging
from typing import Any

import pytest
from aiohttp import web

from kagents_controller.definitions import missing, warn_of_old_definitions
from kagents_core.api.crd import crds
from kagents_core.kube.client import Client


def document(*, without: str = "") -> dict[str, Any]:
    schemas = {}
    for definition in crds():
        kind = definition["spec"]["names"]["kind"]
        schema = copy.deepcopy(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
        schema["properties"]["spec"]["properties"].pop(without, None)
        name = {"group": "claude.amcheste.io", "version": "v1alpha1", "kind": kind}
        schemas[kind] = {**schema, "x-kubernetes-group-version-kind": [name]}
    return {"components": {"schemas": schemas}}


@pytest.mark.parametrize(("without", "warned"), [("", False), ("suspend", True)])
async def test_a_lacking_field_is_named(
    stopped_world: Any, caplog: pytest.LogCaptureFixture, without: str, warned: bool
) -> None:
    server = stopped_world.server
    async with Client(server.config) as client:
        server.faults = [web.json_response(document(without=without))]
        with caplog.at_level(logging.WARNING):
            assert await warn_of_old_definitions(client) is warned
    assert bool(caplog.records) is warned
    assert all(record.missing == ["spec.suspend"] for record in caplog.records)


async def test_a_server_that_does_not_tell_is_no_trouble(stopped_world: Any) -> None:
    async with Client(stopped_world.server.config) as client:
        assert await warn_of_old_definitions(client) is False


def test_lists_and_maps_are_looked_into() -> None:
    own = {"properties": {"spec": {"properties": {"a": {"items": {"properties": {"x": {}, "y": {}}}}}}}}
    served = {"properties": {"spec": {"properties": {"a": {"items": {"properties": {"x": {}}}}}}}}
    assert list(missing(own, served)) == ["spec.a[].y"]
