"""``kagents get artifacts`` and ``kagents cp``: what they write, refuse, and never replace or obey."""

import hashlib

import pytest

from kagents_core.api.constants import ANNOTATION_EXPORT
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.errors import NotFound, Unreachable
from kagents_tui.cli import copying
from kagents_tui.cli.completing import Candidate, Line, candidates
from kagents_tui.cli.names import artifacts
from kagents_tui.sample import leavings

CONTENT = leavings.CONTENT["findings"][1]
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def made(cluster, make, tmp_path, monkeypatch):
    """A team of which one artifact is kept, one missing, one still ahead; the hub runs."""
    found = make.team()
    declared = [leavings.declared("findings"), leavings.COVERAGE]
    found["spec"]["teammates"][0]["artifacts"] = declared
    found["spec"]["lead"]["artifacts"] = [{"name": "summary", "path": "summary.md"}]
    at = "2026-11-21T00:00:00Z"
    found["status"]["artifacts"] = [
        leavings.kept("email-drafter", "findings", at),
        leavings.missing("email-drafter", at),
    ]
    cluster.add(AGENT_TEAMS, found)
    cluster.add(PODS, make.hub())
    monkeypatch.chdir(tmp_path)
    return cluster


def test_artifacts_are_listed_with_what_became_of_them(made, kagents):
    head, *rows = kagents("get", "artifacts").out.splitlines()
    assert head.split() == ["TEAM", "AGENT", "ARTIFACT", "STATE", "SIZE", "AGE", "PATH", "MESSAGE"]
    assert [row.split()[1:4] for row in rows] == [
        ["lead", "summary", "ahead"],
        ["email-drafter", "findings", "kept"],
        ["email-drafter", "coverage", "missing"],
    ]
    assert "76 B" in rows[1]
    assert rows[2].endswith("it is not there")
    assert DIGEST in kagents("get", "artifacts", "q3-report", "-o", "wide").out
    names = kagents("get", "artifacts", "q3-report", "-o", "name").out.split()
    assert names[1] == "q3-report:email-drafter/findings"


def test_programs_are_told_nothing_where_there_is_nothing(made, kagents):
    ahead, kept, missing = kagents("get", "artifacts", "q3-report", "-o", "json").json()
    assert (kept["size"], kept["sha256"], kept["problem"]) == (len(CONTENT), DIGEST, None)
    assert (ahead["size"], ahead["sha256"], ahead["state"]) == (None, None, "ahead")
    assert (missing["files"], missing["problem"]) == (None, "it is not there")
    assert "state: missing" in kagents("get", "artifacts", "q3-report", "-o", "yaml").out


def test_an_artifact_is_copied_from_the_running_hub(made, kagents, tmp_path):
    made.answers = [([(1, leavings.packed("email-drafter/findings"))], 0)]
    ran = kagents("cp", "q3-report:email-drafter/findings", ".")
    assert (ran.code, ran.out) == (0, "")
    assert DIGEST in ran.err
    assert (tmp_path / "findings.md").read_bytes() == CONTENT
    assert made.executed == [["kagents-runner", "artifact", "email-drafter/findings"]]
    again = kagents("cp", "q3-report:email-drafter/findings", ".")
    assert (again.code, len(made.executed)) == (4, 1)
    assert "is there already" in again.err


def test_a_new_name_may_be_given(made, kagents, tmp_path):
    made.answers = [([(1, leavings.packed("email-drafter/findings"))], 0)]
    assert kagents("cp", "q3-report:email-drafter/findings", "mine.md").code == 0
    assert (tmp_path / "mine.md").read_bytes() == CONTENT


def test_a_folder_that_is_not_there_is_no_place(made, kagents):
    made.answers = [([(1, leavings.packed("email-drafter/findings"))], 0)]
    ran = kagents("cp", "q3-report:email-drafter/findings", "nowhere/mine.md")
    assert ran.code == 1
    assert "nowhere/mine.md cannot be written: No such file or directory" in ran.err


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("q3-report", 2, "TEAM:AGENT/ARTIFACT"),
        ("q3-report:email-drafter", 2, "TEAM:AGENT/ARTIFACT"),
        ("q3-report:email-drafter/a/b", 2, "TEAM:AGENT/ARTIFACT"),
        ("nobody:email-drafter/findings", 3, "not found"),
        ("q3-report:lead/findings", 3, "it declares lead/summary, email-drafter/findings"),
        ("q3-report:lead/summary", 3, "lead has not ended"),
        ("q3-report:email-drafter/coverage", 3, "was not kept: build/coverage.xml: it is not there"),
    ],
)
def test_what_cannot_be_copied_is_said_before_anything_is_asked(made, kagents, source, code, words):
    ran = kagents("cp", source, ".")
    assert ran.code == code
    assert words in ran.err
    assert made.executed == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (([(2, b"There is no artifact x\x1b[2J.\n")], 64), "There is no artifact x␛[2J."),
        (([(1, b"x" * 1000)], 0), "no whole archive"),
        (([(1, leavings.packed("x/routes"))], 0), "sent more, or something else"),
        (([], 0), "no whole archive"),
        (([(1, leavings.packed("x/findings")), Unreachable("it is gone")], 0), "it is gone"),
    ],
)
def test_what_goes_wrong_leaves_nothing(made, kagents, tmp_path, answer, words):
    made.answers = [answer]
    ran = kagents("cp", "q3-report:email-drafter/findings", ".")
    assert ran.code != 0
    assert words in ran.err
    assert "\x1b" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_pod_that_sends_without_end_is_cut_off(made, kagents, monkeypatch, tmp_path):
    monkeypatch.setattr(copying, "_SLACK", 1000)
    made.answers = [([(1, b"x" * 600)] * 10, 0)]
    assert "sent more than was agreed" in kagents("cp", "q3-report:email-drafter/findings", ".").err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def export_pods(made, make, monkeypatch):
    """The controller, as far as it makes the pod that an annotation asks for."""

    async def patch_merge(resource, namespace, name, patch, real=made.patch_merge):
        team = await real(resource, namespace, name, patch)
        if wish := team["metadata"]["annotations"].get(ANNOTATION_EXPORT):
            pod = make.hub()
            pod["metadata"] |= {"name": "export", "annotations": {ANNOTATION_EXPORT: wish}}
            pod["metadata"]["labels"]["claude.amcheste.io/role"] = "export"
            made.add(PODS, pod)
        return team

    async def execute(namespace, pod, command, *, container, real=made.exec, **options):
        assert container == ("export" if pod == "export" else "recorder")
        return await real(namespace, pod, command, container="recorder", **options)

    monkeypatch.setattr(made, "patch_merge", patch_merge)
    monkeypatch.setattr(made, "exec", execute)


@pytest.mark.parametrize(
    "broken",
    [
        ([(1, b"the beginning")], 137),
        ([(1, b"the beginning")], None),
        ([(1, b"the beginning"), Unreachable("it is gone")], 0),
        ([NotFound(404, "NotFound", "the container is not there")], 0),
    ],
)
def test_a_hub_that_ends_with_its_team_in_the_middle_loses_nothing(
    made, export_pods, kagents, tmp_path, broken
):
    made.objects["agentteams", "cowork-agents", "q3-report"]["status"]["phase"] = "Completed"
    made.answers = [broken, ([(1, leavings.packed("email-drafter/findings"))], 0)]
    ran = kagents("cp", "q3-report:email-drafter/findings", ".")
    assert (ran.code, len(made.executed)) == (0, 2), ran.err
    assert (tmp_path / "findings.md").read_bytes() == CONTENT


def test_a_hub_that_breaks_off_while_its_team_works_is_told(made, export_pods, kagents, tmp_path):
    made.answers = [([(1, b"the beginning")], 137)]
    ran = kagents("cp", "q3-report:email-drafter/findings", ".")
    assert (ran.code, len(made.executed)) == (1, 1)
    assert "the copy was broken off (exit code 137)" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_one_that_has_just_ended_is_waited_for(made, kagents, monkeypatch):
    team = made.objects["agentteams", "cowork-agents", "q3-report"]
    told = team["status"].pop("artifacts")
    team["status"]["teammates"][0]["phase"] = "Completed"
    looks = []

    async def get(resource, namespace, name, real=made.get):
        looks.append(name)
        if len(looks) == 3:
            team["status"]["artifacts"] = told
        return await real(resource, namespace, name)

    monkeypatch.setattr(made, "get", get)
    monkeypatch.setattr(copying, "_LOOK_SECONDS", 0)
    made.answers = [([(1, leavings.packed("email-drafter/findings"))], 0)]
    assert kagents("cp", "q3-report:email-drafter/findings", ".").code == 0
    assert len(looks) == 3


async def test_completion_offers_what_can_be_copied(made):
    found = await artifacts(made, "cowork-agents")
    assert found == [Candidate("q3-report:email-drafter/findings", "findings.md")]


def test_completion_knows_the_arguments():
    from kagents_tui.cli.command import build_parser

    def give(kind: str, line: Line) -> list[Candidate]:
        assert kind == "artifacts"
        return [Candidate("q3-report:one/report")]

    assert [each.word for each in candidates(build_parser(), ["cp", "q3"], give)] == ["q3-report:one/report"]
    assert candidates(build_parser(), ["cp", "q3-report:one/report", ""], give) == "files"
