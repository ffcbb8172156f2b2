"""The real kubectl is refused what the command refuses, with field and reason; what a hub may not."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kagents_core.api.resources import PODS
from kagents_core.kube.client import Client

pytestmark = [pytest.mark.kubectl, pytest.mark.timeout(120)]

TABLE = yaml.safe_load((Path(__file__).parents[1] / "fixtures" / "api" / "refused.yaml").read_text())


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with some dotted paths replaced; null removes."""
    obj = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = obj
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return obj


@pytest.mark.parametrize("flags", [[], ["--server-side"]])
async def test_every_refusal_of_the_table(kubectl: Any, flags: list[str], tmp_path: Path) -> None:
    """One apply of all of them: kubectl goes on after a refusal, and says each."""
    cases = {}
    for number, case in enumerate(TABLE["cases"]):
        base = changed(TABLE["base"], {"metadata.name": f"case-{number}"})
        # Some speak of the team's name.
        own = json.loads(json.dumps(case["set"]).replace("kagents/demo", f"kagents/case-{number}"))
        cases[f"{number:03}"] = case, changed(base, own)
    for number, (_, obj) in cases.items():
        (tmp_path / f"{number}.json").write_text(json.dumps(obj))
    ran = await kubectl.run("apply", *flags, "-f", str(tmp_path))
    assert ran.code == 1
    assert ran.out == ""
    assert await kubectl("get", "agentteams", "-A", "-o", "name") == ""
    # kubectl names the file only of some refusals, the object of the others.
    refusals = re.split(r"\n(?=The AgentTeam|Error|error)", ran.err.strip())
    assert len(refusals) == len(cases), ran.err
    wrong = []
    for (case, obj), said in zip(cases.values(), refusals, strict=True):
        field = case["field"].rsplit(".", 1)[-1].split("[")[0]
        if field not in said:
            wrong.append((case["name"], obj["metadata"]["name"], said[-300:]))
    assert wrong == []


async def test_doubled_keys_are_refused(kubectl: Any, tmp_path: Path) -> None:
    """As sent: of YAML, kubectl itself takes the last of doubled keys before any server sees them."""
    doubled = json.dumps(TABLE["base"]).replace('"harness": ', '"harness": "claude-code", "harness": ')
    (tmp_path / "doubled.json").write_text(doubled)
    path = "/apis/claude.amcheste.io/v1alpha1/namespaces/default/agentteams?fieldValidation=Strict"
    ran = await kubectl.run("create", "--raw", path, "-f", str(tmp_path / "doubled.json"))
    assert ran.code == 1
    assert 'duplicate field "spec.harness"' in ran.err
    assert await kubectl("get", "agentteams", "-o", "name") == ""


async def test_a_hubs_token_may_read_teams_and_no_more(engine: Any, engine_kubectl: Any) -> None:
    main = {"name": "main", "image": engine.image, "command": ["sleep", "600"]}
    spec = {
        "serviceAccountName": "kagents-hub",
        "automountServiceAccountToken": True,
        "terminationGracePeriodSeconds": 1,
        "containers": [main],
    }
    async with Client(engine.config) as client:
        await client.create(
            PODS, "default", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hub"}, "spec": spec}
        )
    await engine_kubectl("wait", "pod/hub", "--for=jsonpath={.status.phase}=Running", "--timeout=30s")
    path = "$KAGENTS_SERVICE_ACCOUNT_DIR/token"
    token = await engine_kubectl("exec", "hub", "--", "sh", "-c", f"cat {path}")

    async def may(*question: str) -> str:
        ran = await engine_kubectl.run("--token", token, "auth", "can-i", *question)
        return str(ran.out.split()[0])

    assert await may("get", "agentteams") == "yes"
    assert await may("patch", "agentteams", "--subresource=status") == "yes"
    for question in (
        ("patch", "agentteams"),
        ("get", "agentteams", "-n", "kube-system"),
        ("get", "secrets"),
        ("get", "pods"),
        ("create", "pods", "--subresource=exec"),
        ("delete", "agentteams"),
    ):
        assert await may(*question) == "no", question
    ran = await engine_kubectl.run("--token", token, "get", "secrets")
    assert ran.code == 1
    assert 'cannot list resource "secrets"' in ran.err
    assert "system:serviceaccount:default:kagents-hub" in ran.err
    await engine_kubectl("delete", "pod", "hub", "--timeout=30s")
    ran = await engine_kubectl.run("--token", token, "get", "agentteams")
    assert (ran.code, ran.out) == (1, "")
