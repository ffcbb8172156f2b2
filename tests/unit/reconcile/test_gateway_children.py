"""The gateway's container and what agents are given for it: who has the key, and who reaches what."""

import json

import pytest
from test_children import mounts_of, pods_of, seed, variables

from kagents_core.api.team import AgentTeam
from kagents_core.reconcile.roster import has_gateway

KEY = "anthropic-api-key"


def with_gateway(**auth: str) -> dict:
    raw = seed("auth-refactor.yaml")
    raw["spec"]["auth"] |= auth
    return raw


def hub_of(raw: dict) -> dict[str, dict]:
    """The containers of the hub, by name."""
    spec = pods_of(raw)["hub"]["spec"]
    return {each["name"]: each for each in [*spec["initContainers"], *spec["containers"]]}


def test_the_gateway_alone_has_the_model_s_key() -> None:
    pods = pods_of(with_gateway())
    spec = pods["hub"]["spec"]
    holding = [volume["name"] for volume in spec["volumes"] if KEY in json.dumps(volume)]
    users = [
        (each["name"], mount["mountPath"], mount["readOnly"])
        for each in [*spec["initContainers"], *spec["containers"]]
        for mount in each["volumeMounts"]
        if mount["name"] in holding
    ]
    assert users == [("gateway", "/model-credentials", True)]
    assert KEY not in json.dumps([*spec["initContainers"], *spec["containers"]])
    others = json.dumps([pod for name, pod in pods.items() if name != "hub"])
    assert len(pods) > 2 and KEY not in others and "ANTHROPIC" not in others


def test_the_gateway_sees_its_own_folders_of_the_volume_alone() -> None:
    made = hub_of(with_gateway())
    assert {path: mount["subPath"] for path, mount in mounts_of(made["gateway"]).items()} == {
        "/kagents/gateway": "gateway",
        "/kagents/team/gateway": "team/gateway",
    }
    env = variables(made["gateway"])
    assert made["gateway"]["command"] == ["kagents-runner", "gateway"]
    assert made["gateway"]["ports"] == [{"name": "gateway", "containerPort": 8419, "protocol": "TCP"}]
    assert env["KAGENTS_GATEWAY_ADDRESS"]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
    assert "KAGENTS_PRICES_FILE" not in env
    ledger = mounts_of(made["recorder"])["/kagents/gateway"]
    assert (ledger["subPath"], ledger["readOnly"]) == ("gateway", True)
    for part in ("prepare", "recorder", "gateway"):
        assert variables(made[part])["KAGENTS_GATEWAY_DIR"]["value"] == "/kagents/gateway", part


def test_the_recorder_tells_limits_and_the_end_and_the_gateway_reads_them() -> None:
    made = hub_of(with_gateway())
    for place in ("KAGENTS_LIMITS_DIR", "KAGENTS_OVER_DIR"):
        [told] = {variables(made[part])[place]["value"] for part in ("recorder", "gateway")}
        ways = {
            part: mount.get("readOnly", False)
            for part in ("recorder", "gateway")
            for mount in made[part]["volumeMounts"]
            if mount["mountPath"] == told
        }
        assert ways == {"recorder": False, "gateway": place == "KAGENTS_LIMITS_DIR"}


def test_which_credential_of_a_secret_is_meant_is_told() -> None:
    raw = with_gateway()
    env = variables(hub_of(raw)["gateway"])
    assert env["KAGENTS_MODEL_CREDENTIALS_KIND"]["value"] == "apiKey"
    raw["spec"]["auth"] = {"mode": "gateway", "oauthSecret": raw["spec"]["auth"]["apiKeySecret"]}
    env = variables(hub_of(raw)["gateway"])
    assert env["KAGENTS_MODEL_CREDENTIALS_KIND"]["value"] == "oauth"


def test_a_price_table_is_a_file_of_the_gateway() -> None:
    pods = pods_of(with_gateway(priceTable="our-prices"))
    [volume] = [each for each in pods["hub"]["spec"]["volumes"] if "our-prices" in json.dumps(each)]
    [gateway] = [each for each in pods["hub"]["spec"]["containers"] if each["name"] == "gateway"]
    [mount] = [each for each in gateway["volumeMounts"] if each["name"] == volume["name"]]
    assert variables(gateway)["KAGENTS_PRICES_FILE"]["value"] == f"{mount['mountPath']}/prices.yaml"
    assert volume["configMap"]["items"] == [{"key": "prices.yaml", "path": "prices.yaml"}]


def test_a_real_agent_has_a_token_of_its_own_for_the_hub_and_no_other() -> None:
    raw = with_gateway()
    raw["spec"]["teammates"][0]["harness"] = "simulated"
    pods = pods_of(raw)
    spec = pods["lead"]["spec"]
    [main], [first] = spec["containers"], spec["initContainers"]
    [volume] = [each for each in spec["volumes"] if "projected" in each]
    token = {"path": "hub", "audience": "kagents-hub", "expirationSeconds": 3600}
    assert volume["projected"]["sources"] == [{"serviceAccountToken": token}]
    [mount] = [each for each in main["volumeMounts"] if each["name"] == volume["name"]]
    assert mount["readOnly"] and variables(main)["KAGENTS_HUB_TOKEN_FILE"]["value"] == "/kagents/token/hub"
    assert mount["mountPath"] == "/kagents/token"
    assert volume["name"] not in [each["name"] for each in first["volumeMounts"]]
    assert "serviceAccountToken" not in json.dumps(pods["backend-api"]["spec"]["volumes"])


def test_everybody_is_told_of_the_gateway_and_the_budgets_and_nobody_of_a_secret() -> None:
    raw = with_gateway(baseUrl="https://models.example.com")
    raw["spec"]["lifecycle"]["budgetLimit"] = "30.5"
    raw["spec"]["teammates"][0]["budget"] = "2.00"
    for pod in pods_of(raw).values():
        told = json.loads(variables(pod["spec"]["containers"][0])["KAGENTS_TEAM"]["value"])
        address = "https://models.example.com"
        assert told["gateway"] == {
            "provider": "anthropic",
            "baseUrl": address,
            "region": None,
            "project": None,
        }
        assert told["budgetMicros"] == 30_500_000
        assert [agent["budgetMicros"] for agent in told["agents"]][:2] == [None, 2_000_000]
        assert KEY not in json.dumps(told)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, True),
        ({"auth": {"mode": "direct", "apiKeySecret": "a"}}, False),
        ({"auth": {"oauthSecret": "a"}}, True),
        ({"auth": {}}, False),
        ({"auth": None}, False),
        ({"harness": "simulated"}, False),
    ],
)
def test_a_gateway_is_there_when_a_real_agent_needs_it(change: dict, wanted: bool) -> None:
    raw = with_gateway()
    raw["spec"] |= change
    team = AgentTeam.model_validate(raw)
    assert has_gateway(team.spec) is wanted
    assert ("gateway" in hub_of(raw)) is wanted


def test_in_direct_mode_agents_have_the_key_and_no_token() -> None:
    pods = pods_of(with_gateway(mode="direct"))
    assert "ANTHROPIC_API_KEY" in variables(pods["lead"]["spec"]["containers"][0])
    assert "serviceAccountToken" not in json.dumps(pods["lead"])
