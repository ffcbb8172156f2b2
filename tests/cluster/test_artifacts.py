"""Artifacts in pods: an agent writes its own alone, reads those that it takes, and sees no others."""

import hashlib
from collections.abc import Callable

from testcluster.team import Team, simulated
from testcluster.waiting import until

TAKEN = "/kagents/inputs/builder/shop"


def test_an_artifact_is_its_makers_and_is_read_only_for_others(team: Callable[..., Team]) -> None:
    agents = {
        "lead": [{"wait": {"mail_from": "reader"}}, {"dismiss": "reader"}, {"finish": "the shop is read"}],
        "builder": [
            {"work": {"seconds": 0, "write": {"shop.txt": "shop", "other.txt": "other"}}},
            {"shutdown": "the shop is built"},
        ],
        "reader": [
            {"wait": {"mail_from": "team-lead"}},
            {"send": {"to": "lead", "text": "The shop is read."}},
        ],
    }
    manifest = simulated("handover", agents)
    builder, reader = manifest["spec"]["teammates"]
    builder["artifacts"] = [{"name": "shop", "path": "shop.txt"}, {"name": "other", "path": "other.txt"}]
    reader["inputs"] = [{"from": "builder/shop"}]
    running = team(manifest)

    def reads() -> bool:
        mates = running.status().get("teammates") or []
        return any(each["name"] == "reader" and each["phase"] in ("Running", "Idle") for each in mates)

    until(reads, 90, explain=running.explain)
    inside = ("exec", running.pod("reader"), "-c", "agent", "--")
    assert running.kubectl(*inside, "cat", f"{TAKEN}/shop.txt") == "shop"
    assert "Read-only file system" in running.kubectl.refused(*inside, "touch", f"{TAKEN}/mine.txt")
    for hidden in ("/kagents/artifacts", "/kagents/inputs/builder/other"):
        assert "No such file" in running.kubectl.refused(*inside, "ls", hidden)
    recorder = ("exec", running.pod("hub"), "-c", "recorder", "--")
    assert "Read-only file system" in running.kubectl.refused(
        *recorder, "touch", "/kagents/artifacts/mine.txt"
    )
    say = ("exec", "-i", *recorder[1:], "kagents-runner", "send", "--to", "reader")
    running.kubectl(*say, text="Go on.")
    running.wait_phase("Completed")
    running.wait_condition("ArtifactsKept", "Kept")
    made = {each["name"]: each for each in running.status()["artifacts"]}
    assert made["shop"]["sha256"] == hashlib.sha256(b"shop").hexdigest()
    assert made["other"]["size"] == len("other")
