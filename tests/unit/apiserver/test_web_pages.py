"""A web page in the person's browser, and a pod of a team, cannot do what only the person may do.

A page can make a browser send requests to loopback, also under a name of its own that it points there; but it
has no token, and a browser adds none by itself. The engine has no cookies and answers no preflight.
"""

from typing import Any

import pytest

from kagents_local.apiserver.authentication import Identity
from kagents_local.apiserver.authorization import allowed
from kagents_local.apiserver.requests import parse_path

APPROVED = {"metadata": {"annotations": {"approved.claude.amcheste.io/finish": "true"}}}
HUB = Identity("system:serviceaccount:default:kagents-hub", "service-account", (), "default", "kagents-hub")
OTHER = Identity("system:serviceaccount:default:default", "service-account", (), "default", "default")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:6443",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "0x7f000001",
        ),
        *("127.0.0.1@evil.example", "[::1].evil.example", "[::1", "127.0.0.2", "0.0.0.0", "LOCALHOST.", ""),
    ],
)
async def test_a_name_that_was_made_to_lead_here_is_refused(api: Any, host: str) -> None:
    for path in ("/api", "/version", "/readyz"):
        assert (await api.get(path, headers={"Host": host})).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null", "Cookie": "token=admin; Authorization=Bearer admin"},
        {"Origin": "https://127.0.0.1:6443", "Sec-Fetch-Site": "cross-site"},
        {"X-Remote-User": "kagents-admin", "X-Remote-Group": "system:masters"},
        {"Sec-WebSocket-Protocol": "base64url.bearer.authorization.k8s.io.YWRtaW4, v4.channel.k8s.io"},
    ],
)
@pytest.mark.parametrize("content", ["text/plain", "application/json"])
async def test_what_a_page_can_send_opens_nothing(api: Any, headers: dict[str, str], content: str) -> None:
    for query in ({}, {"access_token": "admin", "bearer": "admin"}):
        sent = await api.post(api.TEAMS, api.team(), token="", content=content, headers=headers, **query)
        assert sent.status == 401
        assert not any(name.lower().startswith("access-control") for name in sent.headers)
        assert "Set-Cookie" not in sent.headers
    assert (await api.get(api.TEAMS))["items"] == []


async def test_a_preflight_is_answered_with_no(api: Any) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Headers": "authorization"}
    for path in ("/api", api.TEAMS, "/version"):
        answer = await api.request("OPTIONS", path, token="", headers=asked)
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
    assert (await api.request("OPTIONS", api.TEAMS, token="", headers=asked)).status == 401


@pytest.mark.parametrize("identity", [HUB, OTHER], ids=["hub", "another account"])
@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST", "DELETE"])
def test_no_pod_of_a_team_may_change_a_team(identity: Identity, method: str) -> None:
    base = "/apis/claude.amcheste.io/v1alpha1/namespaces/default/agentteams"
    target = parse_path(method, base if method == "POST" else f"{base}/demo", {})
    assert not allowed(identity, target)


@pytest.mark.parametrize("method", ["patch", "apply", "put"])
async def test_who_writes_a_status_approves_nothing(api: Any, method: str) -> None:
    """The hub may write its team's status: the rest of what it sends there is not taken."""
    made = await api.post(api.TEAMS, api.team())
    path = f"{api.TEAMS}/demo/status"
    if method == "put":
        answer = await api.put(path, made.body | {"metadata": made.body["metadata"] | APPROVED["metadata"]})
    elif method == "apply":
        head = {"apiVersion": made["apiVersion"], "kind": made["kind"]}
        answer = await api.apply(path, head | APPROVED, "kagents-recorder", force="true")
    else:
        answer = await api.patch(path, APPROVED)
    assert answer.status == 200
    assert "annotations" not in (await api.get(f"{api.TEAMS}/demo"))["metadata"]
