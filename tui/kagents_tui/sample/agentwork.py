"""What a hub of the sample cluster says about an agent: its turns, and what it has changed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from kagents_tui.sample.times import stamp

Object = dict[str, Any]

PATCH = """\
@@ -12,6 +12,8 @@ class TokenTable:
     def lookup(self, token: str) -> Session | None:
-        claims = jwt.decode(token, self.key)
-        return self.sessions.get(claims["sub"])
+        row = self.rows.get(hash_of(token))
+        if row is None or row.expired:
+            return None
+        return row.session
@@ -40,3 +42,4 @@ def routes(app: App) -> None:
     app.add("/login", login)
+    app.add("/oauth/callback", callback)
"""
FILES: Sequence[Object] = (
    {"path": "docs/migration.md", "status": "untracked", "uncommitted": True, "additions": 2, "deletions": 0,
     "patch": "@@ -0,0 +1,2 @@\n+# Moving to OAuth2\n+The token table stays.\n"},
    {"path": "src/auth/middleware.py", "status": "deleted", "additions": 0, "deletions": 2,
     "patch": "@@ -1,2 +0,0 @@\n-import jwt\n-KEY = None\n"},
    {"path": "src/auth/oauth.py", "status": "modified", "uncommitted": True, "additions": 5, "deletions": 2,
     "patch": PATCH},
    {"path": "static/logo.png", "status": "added", "binary": True, "additions": None, "deletions": None,
     "patch": None},
)  # fmt: skip


def diff(agent: str) -> list[Object]:
    """As ``kagents-runner diff`` prints it."""
    head = {"kind": "diff", "agent": agent, "branch": f"kagents/auth-refactor/{agent}", "omitted": 0}
    files = [
        {"kind": "file", "before": None, "binary": False, "uncommitted": False, "cut": False} | dict(each)
        for each in FILES
    ]
    commits = {"base": "3f2c1a0d" * 5, "head": "9be07711" * 5}
    return [head | commits, *files, {"kind": "end"}]


def turns(now: datetime) -> list[Object]:
    """As ``kagents-runner transcript`` prints them."""
    told: list[tuple[float, str, str, str]] = [
        (-829, "prompt", "", "Lead the move to OAuth2. Keep the token table."),
        (-820, "said", "", "I will split this into four tasks and give the endpoints to backend-api."),
        (-815, "tool", "Bash", '{"command": "git log --oneline -5", "description": "look at the history"}'),
        (
            -814,
            "result",
            "",
            "9be0771 Release 4.2\n3f2c1a0 Add the session store\n11aa22b Fix a typo\nf00dfee Begin",
        ),
        (-595, "tool", "Read", '{"file_path": "src/auth/oauth.py"}'),
        (-594, "result", "", "class TokenTable:\n    def lookup(self, token): ..."),
        (-590, "said", "", "The endpoints look right. I review task 2 now."),
    ]
    entries = []
    for number, (offset, what, name, text) in enumerate(told):
        at = stamp(now + timedelta(seconds=offset))
        place = {"begin": number * 100, "end": number * 100 + 100}
        entries.append({"kind": "turn", "what": what, "at": at, "text": text, "name": name} | place)
    return entries


def printed(command: Sequence[str], journals: Mapping[str, Sequence[Object]]) -> list[bytes] | None:
    """What the command prints, in the time of the journals; None for one that is about something else."""
    told = [each["at"] for journal in journals.values() for each in journal if "at" in each]
    times = [datetime.fromisoformat(at) for at in told]
    now = max(times, default=datetime(2026, 11, 21, 14, 10, tzinfo=UTC))
    if "diff" in command:
        said = diff(command[command.index("--agent") + 1])
    elif "transcript" in command:
        before = int(command[command.index("--before") + 1]) if "--before" in command else 10**9
        last = int(command[command.index("--last") + 1]) if "--last" in command else 10**9
        said = [each for each in turns(now) if each["begin"] < before][-last:]
        said.append({"kind": "live" if "--follow" in command else "end", "offset": 700})
    else:
        return None
    return [orjson.dumps(each) + b"\n" for each in said]
