"""What the model says to the agents of the described coding team: one works, then the other, then it ends.

It is also a part of the model's pod on a cluster, where only ``scripted_model`` lies beside it.
"""

from collections.abc import Sequence

from scripted_model import Call, Conversation, Reply, Rule, Say


def commit(path: str, subject: str) -> Call:
    write = f"mkdir -p $(dirname {path}) && echo done > {path}"
    command = f"{write} && git add . && git commit -qm '{subject}'"
    return Call("Bash", {"command": command, "description": "work"})


def mail(text: str) -> Call:
    return Call("SendMessage", {"to": "lead", "summary": text, "message": text})


def dismiss(name: str) -> Call:
    return Call("mcp__kagents__dismiss", {"teammate": name, "reason": "accepted"})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end until the tool agrees."""
    said = conversation.results[-1]
    if "Recorded." in said:
        return Say("The team is done.")
    if "Not yet" in said:
        return Call("Bash", {"command": "sleep 1", "description": "wait"})
    return Call("mcp__kagents__finish", {"summary": "OAuth2 is in place."})


def sample_rules(before_the_tests: Sequence[Call] = ()) -> list[Rule]:
    """The rules; what the second agent does first may be added."""
    return [
        Rule("lead", "endpoints are in place", [dismiss("backend-api")]),
        Rule("lead", "tests are written", [dismiss("test-coverage"), *[finish] * 40]),
        Rule("lead", "Coordinate the migration", [Say("They know their tasks.")]),
        Rule(
            "backend-api",
            "Implement OAuth2",
            [commit("src/api/auth/oauth.txt", "Add OAuth2"), mail("the endpoints are in place")],
        ),
        Rule(
            "test-coverage",
            "Write comprehensive",
            [*before_the_tests, commit("tests/oauth.txt", "Cover OAuth2"), mail("the tests are written")],
        ),
    ]
