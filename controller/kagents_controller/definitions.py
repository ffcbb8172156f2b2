"""Whether the served definitions are as new as this controller: fields that they lack are lost silently.

Read once, from the OpenAPI document that every account may read; nothing depends on it.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import KubeError

_log = logging.getLogger(__name__)
_SHOWN = 10


async def warn_of_old_definitions(client: Client) -> bool:
    """Log a warning for each kind whose served definition lacks fields; True when there was one."""
    from kagents_core.api.crd import crds

    try:
        document = await client.openapi(AGENT_TEAMS)
    except KubeError as error:
        _log.info("the served definitions cannot be compared", extra={"error": str(error)})
        return False
    served = _by_kind(document)
    warned = False
    for definition in await asyncio.to_thread(crds):
        kind = definition["spec"]["names"]["kind"]
        own = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        absent = list(missing(own, served.get(kind, {})))
        if absent:
            warned = True
            _log.warning(
                "the served definition is older than this controller: upgrade it with the chart",
                extra={"kind": kind, "missing": absent[:_SHOWN], "missingCount": len(absent)},
            )
    return warned


def missing(own: Mapping[str, Any], served: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of fields that a schema has and another lacks; only the topmost of each."""
    theirs = served.get("properties") or {}
    for name, child in (own.get("properties") or {}).items():
        place = f"{path}.{name}" if path else name
        if name not in theirs:
            yield place
        elif path or name in ("spec", "status"):
            yield from missing(child, theirs[name], place)
    for inner, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(own.get(inner), Mapping):
            yield from missing(own[inner], served.get(inner) or {}, f"{path}{mark}")


def _by_kind(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for schema in ((document.get("components") or {}).get("schemas") or {}).values():
        for name in schema.get("x-kubernetes-group-version-kind") or ():
            if name.get("group") == AGENT_TEAMS.group and name.get("version") == AGENT_TEAMS.version:
                found[name["kind"]] = schema
    return found
