"""Results of agents: reported, kept beyond their end, filled into the prompts of later ones."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from runner_places import Place, git, steps

from kagents_runner.results import results_of, with_results
from kagents_runner.termination import RunnerError


def keep(place: Place, agent: str, document: Any) -> None:
    path = place.layout.results(agent)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))


def reports(place: Place, agent: str) -> dict[str, str]:
    """What the recorder will be told."""
    found = [json.loads(path.read_text()) for path in sorted(place.layout.requests(agent).glob("*.json"))]
    return {request["key"]: request["value"] for request in found if request["kind"] == "report"}


def test_branch_commit_and_files_are_reported_at_the_end(coding: Place) -> None:
    script = steps("work: {write: {a: x, b: y}}", "report: {key: coverage, value: 93%}", "shutdown: done")
    coding.agents["scout"] |= {"script": script}
    coding.prepare()
    assert coding.run("supervise", "scout").code == 0
    commit = git(coding.work / "worktrees/scout", "rev-parse", "HEAD")
    expected = {"coverage": "93%", "branch": "kagents/demo/scout", "commit": commit, "filesChanged": "2"}
    assert results_of(coding.layout, "scout") == expected
    assert reports(coding, "scout") == expected


def test_uncommitted_work_is_part_of_the_reported_commit(coding: Place) -> None:
    coding.agents["scout"] |= {"script": steps("shutdown: done")}
    coding.prepare()
    (coding.work / "worktrees/scout/left").write_text("x")
    assert coding.run("supervise", "scout").code == 0
    found = results_of(coding.layout, "scout")
    assert found["commit"] == git(coding.work / "worktrees/scout", "rev-parse", "HEAD")
    assert found["filesChanged"] == "1"


def test_a_cowork_agent_reports_only_what_it_says(place: Place) -> None:
    place.agents["scout"] |= {"script": steps("report: {key: pages, value: '7'}", "shutdown: done")}
    place.prepare()
    assert place.run("supervise", "scout").code == 0
    assert results_of(place.layout, "scout") == {"pages": "7"}


def fake_claude(path: Path) -> Path:
    """A program that keeps its last argument, the prompt, and ends well."""
    lines = [
        "#!/bin/sh",
        'if [ "$1" = --version ]; then echo "2.1.329 (Claude Code)"; exit; fi',
        'for last; do :; done; printf %s "$last" > "$HOME/prompt"',
    ]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)
    return path


def test_the_agent_gets_the_prompt_with_the_results(place: Place, tmp_path: Path) -> None:
    place.variables = {"KAGENTS_CLAUDE": str(fake_claude(tmp_path / "claude"))}
    place.variables |= {"ANTHROPIC_API_KEY": "k" * 60, "PATH": os.environ["PATH"]}
    prompt = "Test {{ results.lead.commit }} ({{results.lead.note}}), {{ .Other }}."
    place.agents["scout"] |= {"harness": "claude-code", "prompt": prompt}
    place.prepare()
    keep(place, "lead", {"commit": "3f2c1a", "note": "two\nlines \x1b[2J {{ results.x.y }}"})
    ran = place.run("supervise", "scout")
    assert ran.code == 0, ran.err
    assert (place.home("scout") / "prompt").read_text() == (
        "Test 3f2c1a (two\nlines ␛[2J {{ results.x.y }}), {{ .Other }}."
    )


def test_an_unknown_key_ends_it_before_it_starts(place: Place) -> None:
    place.agents["scout"] |= {"prompt": "{{ results.lead.coverage }}", "script": steps("say: started")}
    place.prepare()
    keep(place, "lead", {"commit": "3f2c1a", "endpoint": "/v1"})
    ran = place.run("supervise", "scout")
    assert ran.code == 64
    assert ran.sentence.startswith(
        "The prompt of scout names results.lead.coverage, but lead has reported commit, endpoint"
    )
    assert "started" not in ran.out
    assert place.state("scout")["state"] == "failed"


@pytest.mark.parametrize("document", ["{", "[]", '{"commit": 1}', '{"../x": "y"}', '{"commit": null}'])
def test_a_torn_or_odd_file_holds_no_results(place: Place, document: str) -> None:
    place.prepare()
    keep(place, "lead", document)
    assert results_of(place.layout, "lead") == {}


def test_a_link_in_the_place_of_results_is_not_followed(place: Place, tmp_path: Path) -> None:
    place.prepare()
    (tmp_path / "secret").write_text('{"commit": "x"}')
    place.layout.results("lead").symlink_to(tmp_path / "secret")
    assert results_of(place.layout, "lead") == {}


def test_a_prompt_that_results_make_too_long_is_refused(place: Place) -> None:
    place.prepare()
    keep(place, "lead", {"long": "x" * 4000})
    with pytest.raises(RunnerError, match="larger than 120000 bytes") as refused:
        with_results(place.layout, "scout", "{{ results.lead.long }}" * 40)
    assert refused.value.code == 64
