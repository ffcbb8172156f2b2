"""The branch that is delivered stands beside those that agents push: what is refused is in the table."""

import pytest

from kagents_core.api.validation import validate

PUSHING = {"spec.workspace": None, "spec.repository": {"url": "https://h/x", "agentAccess": "push"}}


def refused(change, branch: str, **changes) -> bool:
    obj = change(PUSHING | changes | {"spec.lifecycle": {"consolidatedBranchTemplate": branch}})
    errors = validate(obj)
    assert {error.field for error in errors} <= {"spec.lifecycle.consolidatedBranchTemplate"}
    return bool(errors)


@pytest.mark.parametrize(
    "branch",
    [
        "work/{{ .TeamName }}",
        "kagents/{{ .TeamName }}/joined",
        "kagents/demo/one-more",
        "kagents/demo2",
        "kagents/another/one",
        "kagentsdemo/one",
        "work/kagents/demo/one",
    ],
)
def test_beside_them_it_may_be_called_anything(change, branch):
    assert not refused(change, branch)


def test_what_a_team_s_agents_do_not_push_is_free(change):
    assert not refused(change, "kagents/demo/lead", **{"spec.lead": None})
    assert not refused(change, "kagents/demo/shared")
    shared = {"url": "https://h/x", "agentAccess": "push", "worktreeStrategy": "shared"}
    assert not refused(change, "kagents/demo/one", **{"spec.repository": shared})
    assert not refused(change, "kagents/demo/one", **{"spec.repository": {"url": "https://h/x"}})


def test_the_namespace_may_be_what_makes_it_one_of_them(change):
    assert not refused(change, "kagents/{{ .Namespace }}/one")
    assert refused(change, "kagents/{{ .Namespace }}/one", **{"metadata.namespace": "demo"})
