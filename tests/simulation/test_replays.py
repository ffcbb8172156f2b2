"""Schedules that once came to something else: each showed a fault of the product, which is mended."""

import pytest
from simulator.faults import Schedule
from simulator.runs import judge

FOUND = {
    "plain/0:lag-teams@0": "a team that ended before its hub was seen prepared was preparing for ever",
    "gated/21:crash-stale@0": "the cache caught up while the server was asked, and an agent got a second pod",
    "gated/26:crash-stale@0": "an agent that had ended well was started again, because its pod was not seen",
    "lead-fails/21:crash-stale@0": "a team failed for want of a pod that was only not seen yet",
    "lead-fails/24:crash-before@0": "killed between deletions and status, an agent was said to have failed",
    "delivery-fails-once/27:crash-stale@0": "a pod that had ended was deleted, as last seen running",
    "suspended-gated/31:500@0": "agents of a resumed team were stopped, as one was not made",
    "deleted-and-back/22:lag-teams@0": "pods were made for a team that was deleted",
    "gated/27:crash-stale@0": "pods that had ended well were deleted, because they were last seen running",
}


@pytest.mark.parametrize("text", FOUND)
def test_what_was_once_found_is_mended(text: str) -> None:
    assert judge(Schedule.parse(text)) == []
