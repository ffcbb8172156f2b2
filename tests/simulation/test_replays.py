"""Schedules that once came to something else: each showed a fault of the product, which is mended.

Their faults stand at a request's verb and object: in another order of calls it is the same request still.
"""

import pytest
from simulator.faults import Schedule
from simulator.runs import judge, play

FOUND = {
    "plain/GET agentteamtemplates#1:lag-teams@0": (
        "a team that ended before its hub was seen prepared was preparing for ever"
    ),
    "gated/PATCH agentteams/demo/status#1:crash-stale@0": (
        "the cache caught up while the server was asked, and an agent got a second pod"
    ),
    "gated/PATCH agentteams/demo/status#5:crash-stale@0": (
        "an agent that had ended well was started again, because its pod was not seen"
    ),
    "lead-fails/PATCH agentteams/demo/status#1:crash-stale@0": (
        "a team failed for want of a pod that was only not seen yet"
    ),
    "lead-fails/GET pods#2:crash-before@0": (
        "killed between deletions and status, an agent was said to have failed"
    ),
    "delivery-fails-once/POST pods/demo-finish-b528c#1:crash-stale@0": (
        "a pod that had ended was deleted, as last seen running"
    ),
    "suspended-gated/POST pods/demo-a-db60a#1:500@0": (
        "agents of a resumed team were stopped, as one was not made"
    ),
    "deleted-and-back/PATCH agentteams/demo/status#2:lag-teams@0": (
        "pods were made for a team that was deleted"
    ),
    "gated/PATCH agentteams/demo/status#6:crash-stale@0": (
        "pods that had ended well were deleted, last seen running"
    ),
    "suspended/GET pods#2:crash-stale@0": (
        "a suspension was counted as a restart: its pods were still seen running"
    ),
    "agent-held/GET pods#2:crash-stale@0": "so was an agent's stop by its own budget",
    "delivery-needs-a-person/GET pods#2:crash-stale@0": (
        "the delivery that had failed was given the mark of the retry that a person asked for meanwhile"
    ),
    "ttl/DELETE agentteams/demo#1:409@0": "a team whose deletion the server refused once stayed for ever",
    "deleted-and-back/PATCH agentteams/demo/status#2:crash-stale@690996": (
        "pods of a deleted team were made again, from a version that the server refused to hear of"
    ),
    "over-budget/DELETE pods/demo-a-143a8#1:429-long@0": (
        "what a team has cost was recorded while the server refused to stop its agents, which spent on"
    ),
    "agent-over-budget/DELETE pods/demo-lead-ed8b6#1:429-long@0": "so it was when an agent had spent its own",
    "agent-over-budget/DELETE pods/demo-lead-ed8b6#1:crash-stale@465438": (
        "a lost pod was replaced in a team that had ended, as only an older status was seen"
    ),
    "over-budget/DELETE pods/demo-lead-ed8b6#1:crash-stale@943945": (
        "so its agents spent on, and what they spent was in no record"
    ),
    "suspended-gated/GET pods#2:crash-stale@104620": (
        "a resumption was counted as a restart: the team was seen as it was before it stood still"
    ),
    "gate-told/PATCH agentteams/demo/status#2:crash-before@0": (
        "a gate's webhook was pending for ever: its controller had died before it could say that it arrived"
    ),
}


@pytest.mark.parametrize("text", FOUND)
def test_what_was_once_found_is_mended(text: str) -> None:
    schedule = Schedule.parse(text)
    assert {fault.call for fault in schedule.faults} <= {*play(schedule).calls}, (
        "there is no such request any more"
    )
    assert judge(schedule) == []
