"""The engine refuses on its own what the command would refuse: a client that does not check is checked."""

import asyncio
import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import Invalid

FIXTURES = Path(__file__).parents[1] / "fixtures" / "api"
TABLE = yaml.safe_load((FIXTURES / "refused.yaml").read_text())
BUDGETS = yaml.safe_load((FIXTURES / "refused-budgets.yaml").read_text())
pytestmark = [pytest.mark.xdist_group("cli-engine"), pytest.mark.timeout(180)]


def changed(base, changes):
    """A copy with some dotted paths replaced; null removes."""
    obj = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place = obj
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return obj


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory):
    data = tmp_path_factory.mktemp("refuses") / "data"
    command = [sys.executable, "-m", "kagents_local"]
    environment = {**os.environ, "KAGENTS_DATA": str(data)}
    subprocess.run([*command, "up"], check=True, env=environment, timeout=60)
    yield data / "kubeconfig"
    subprocess.run([*command, "down"], env=environment, timeout=60)


@pytest.mark.parametrize(
    ("table", "resource"), [(TABLE, AGENT_TEAMS), (BUDGETS, AGENT_BUDGETS)], ids=["teams", "budgets"]
)
def test_every_refusal_of_the_table(kubeconfig, table, resource):
    """One engine and one session for all cases; what went through is listed at the end."""

    async def accepted():
        through = []
        async with Client(load_kubeconfig(str(kubeconfig))) as client:
            for case in table["cases"]:
                obj = changed(table["base"], case["set"])
                obj["metadata"].setdefault("namespace", "default")
                for verb in ("create", "apply"):
                    try:
                        if verb == "create":
                            await client.create(resource, "default", obj)
                        else:
                            await client.apply(
                                resource, "default", obj["metadata"]["name"], obj, manager="test"
                            )
                    except Invalid as error:
                        field = case["field"].split("[")[0].split(".")[-1]
                        if field not in str(error):
                            through.append(f"{verb} {case['name']}: {error}")
                    else:
                        through.append(f"{verb} {case['name']}: accepted")
                        await client.delete(resource, "default", obj["metadata"]["name"])
        return through

    assert asyncio.run(accepted()) == []


def test_what_agents_rely_on_cannot_be_changed(kubeconfig):
    async def run():
        async with Client(load_kubeconfig(str(kubeconfig))) as client:
            base = changed(TABLE["base"], {"metadata.name": "frozen"})
            base["spec"]["lifecycle"] = {"approvalGates": [{"event": "spawn-one"}], "timeout": "1h"}
            await client.create(AGENT_TEAMS, "default", base)
            for spec in (
                {"lead": {"prompt": "other"}},
                {"storage": {"size": "11Gi"}},
                {"harness": "claude-code"},
            ):
                with pytest.raises(Invalid, match="cannot be changed"):
                    await client.patch_merge(AGENT_TEAMS, "default", "frozen", {"spec": spec})
            await client.patch_merge(
                AGENT_TEAMS, "default", "frozen", {"spec": {"lifecycle": {"timeout": "2h"}}}
            )
            await client.patch_merge(AGENT_TEAMS, "default", "frozen", {"spec": {"cancel": True}})
            with pytest.raises(Invalid, match="taken back"):
                await client.patch_merge(AGENT_TEAMS, "default", "frozen", {"spec": {"cancel": False}})

    asyncio.run(run())
