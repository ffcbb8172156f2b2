"""An old kubectl (Debian's 1.20, in ``KAGENTS_OLD_KUBECTL``): what docs/engine-api.md says of it."""

import os
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.kubectl

TEAM = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: demo, namespace: default}
spec:
  harness: simulated
  workspace: {output: {}}
  lead: {prompt: Lead.}
"""


@pytest.fixture(scope="session")
def kubectl_program() -> str:
    """The old kubectl, in place of the one that is tested otherwise."""
    program = os.environ.get("KAGENTS_OLD_KUBECTL")
    if not program:
        pytest.skip("KAGENTS_OLD_KUBECTL names no kubectl")
    return program


async def test_an_old_kubectl_reads_and_writes(kubectl: Any) -> None:
    assert "AgentTeam" in await kubectl("api-resources")
    apply = ("apply", "-f", "-")
    assert "created" in await kubectl(*apply, stdin=TEAM)
    assert "unchanged" in await kubectl(*apply, stdin=TEAM)
    assert "applied" in await kubectl(*apply, "--server-side", "--force-conflicts", stdin=TEAM)
    header, row = (await kubectl("get", "agentteams", "-A")).splitlines()
    assert header.split() == ["NAMESPACE", "NAME", "PHASE", "READY", "TASKS", "DONE", "COST", "AGE"]
    assert row.split()[:2] == ["default", "demo"]
    await kubectl("annotate", "agentteam", "demo", "approved.claude.amcheste.io/finish=true")
    await kubectl("patch", "agentteam", "demo", "--type=merge", "-p", '{"spec": {"suspend": true}}')
    assert yaml.safe_load(await kubectl("get", "at", "demo", "-o", "yaml"))["spec"]["suspend"] is True
    assert "Prompt:" in await kubectl("describe", "agentteam", "demo")
    await kubectl("create", "secret", "generic", "key", "--from-literal=a=b")
    assert await kubectl("auth", "can-i", "delete", "agentteams") == "yes\n"
    wrong = await kubectl.run(*apply, stdin=TEAM + "  lifecycle: {timeout: 2 hours}\n")
    assert "spec.lifecycle.timeout: Invalid value" in wrong.err
    unknown = await kubectl.run(*apply, stdin=TEAM + "  lifecycl: {}\n")
    assert 'Warning: unknown field "spec.lifecycl"' in unknown.err
    assert (await kubectl.run("diff", "-f", "-", stdin=TEAM)).code > 1
    await kubectl("delete", "agentteam", "demo")


async def test_what_an_old_kubectl_cannot_do_says_why(engine: Any, engine_kubectl: Any) -> None:
    main = {"name": "main", "image": engine.image, "command": ["sleep", "600"]}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [main]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    await engine_kubectl("apply", "-f", "-", stdin=yaml.safe_dump(pod))
    await engine_kubectl("wait", "pod/p", "--for=condition=Ready", "--timeout=30s")
    ran = await engine_kubectl.run("exec", "p", "--", "true")
    assert ran.code == 1
    assert "exec is served over WebSocket only" in ran.err
