"""The scripted model as a program of a pod, beside the package ``scripted_model`` of the real-CLI tests.

The lead gives a task to the builder, who claims it, commits and reports; then the lead ends the team. The
agents of the described coding team do what ``sample_script`` says, the second once somebody has looked at it.
"""

import sys
import threading
from http.server import ThreadingHTTPServer

sys.path.insert(0, "/model")
from sample_script import sample_rules
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from scripted_model.server import _handler

PORT = 8080


def mail(to: str, text: str) -> Call:
    return Call("SendMessage", {"to": to, "summary": text, "message": text})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end until the tool agrees, with a pause after each refusal."""
    said = conversation.results[-1]
    if "Recorded." in said:
        return Say("The team is done.")
    pause = Call("Bash", {"command": "sleep 1", "description": "wait"})
    return pause if "Not yet" in said else Call("mcp__kagents__finish", {"summary": "shop built"})


BUILD = Call(
    "Bash",
    {
        "command": "echo shop > shop.txt && git add shop.txt && git commit -qm 'Build the shop'",
        "description": "work",
    },
)
LOOKED_AT = Call(
    "Bash",
    {
        "command": "until test -e /tmp/looked-at; do sleep 0.2; done",
        "description": "wait",
        "timeout": 120000,
    },
)
SCRIPT = Script(
    [
        Rule(
            "lead",
            "Begin the work",
            [
                Call("TaskCreate", {"subject": "Build the shop", "description": "In shop.txt."}),
                Call("TaskUpdate", {"taskId": "1", "owner": "builder"}),
                mail("builder", "please do task 1"),
            ],
        ),
        Rule(
            "builder",
            "please do task 1",
            [
                Call("TaskUpdate", {"taskId": "1", "status": "in_progress"}),
                BUILD,
                Call("TaskUpdate", {"taskId": "1", "status": "completed"}),
                mail("lead", "builder is done"),
            ],
        ),
        Rule(
            "lead",
            "builder is done",
            [Call("mcp__kagents__dismiss", {"teammate": "builder", "reason": "accepted"}), *[finish] * 40],
        ),
        *sample_rules([LOOKED_AT]),
    ]
)

if __name__ == "__main__":
    server = ThreadingHTTPServer(("0.0.0.0", PORT), _handler(ScriptedModel(SCRIPT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("serving", flush=True)
    threading.Event().wait()
