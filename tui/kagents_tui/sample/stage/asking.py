"""The teams of the demonstration that wait for a person: a question, a tool call, a plan, a gate."""

from typing import Final

from kagents_tui.sample.stage.cast import Ask, Cast, Role

PLAN: Final = """\
# Search without the nightly rebuild

1. Write changed documents to an outbox table in the same transaction.
2. A worker reads the outbox and updates the index in batches of 200.
3. Keep the nightly rebuild for two weeks, and compare both indexes each morning.
4. Then remove the rebuild and its cron job.

Files: src/search/outbox.py (new), src/search/worker.py (new), src/search/index.py, migrations/0042.py
Risk: documents changed while the worker is down are late, not lost.
"""

AUTH: Final = Cast(
    "dev-agents",
    "auth-refactor",
    age=48,
    repository="https://git.example/acme/backend.git",
    budget="30.00",
    cost=6.42,
    roles=(
        Role(
            "lead",
            "Lead the move from JWT to OAuth2. Keep the token table.",
            ("reviewing task 2", "Read src/auth/oauth.py", "writing to backend-api"),
            "opus",
        ),
        Role(
            "backend-api",
            "Implement the OAuth2 endpoints.",
            ("Edit src/auth/oauth.py", "Bash: pytest tests/auth -q", "Read src/auth/session.py"),
        ),
        Role(
            "docs", "Write the migration note for operators.", ("Edit docs/migration.md", "Read CHANGELOG.md")
        ),
        Role("test-coverage", "Write the integration tests.", after=("backend-api",)),
    ),
    tasks=(
        ("backend-api", "Remove the JWT middleware"),
        ("lead", "Split the work into endpoints, tests and notes"),
        ("backend-api", "OAuth2 endpoints"),
        ("docs", "Write the migration note"),
        ("test-coverage", "Integration tests"),
        ("backend-api", "Expire old sessions"),
        ("docs", "Changelog entry"),
    ),
    done=2,
    talk=(
        (
            40,
            "lead",
            "backend-api",
            "Task 3",
            "Task 3 is yours. Keep the token table, it is read by billing.",
        ),
        (38, "backend-api", "lead", "", "Understood. I start with the middleware, then the endpoints."),
        (
            26,
            "lead",
            "docs",
            "Note for operators",
            "Please write down what an operator must do, in at most a page.",
        ),
        (14, "docs", "lead", "", "First half is in docs/migration.md. Which release will carry it?"),
        (11, "lead", "docs", "", "4.3."),
        (6, "backend-api", "lead", "Endpoints", "Endpoints are in 3f2c1a. Which database do the tests use?"),
    ),
    asks=(
        Ask(
            "backend-api",
            "question",
            "AskUserQuestion",
            "which database do the integration tests use?",
            {
                "questions": [
                    {
                        "question": "which database do the integration tests use?",
                        "header": "Database",
                        "multiSelect": False,
                        "options": [
                            {"label": "PostgreSQL 16", "description": "the one in compose.yaml"},
                            {"label": "SQLite", "description": "in memory, faster, but no JSONB"},
                            {"label": "Both", "description": "SQLite locally, PostgreSQL in the pipeline"},
                        ],
                    }
                ]
            },
            3,
            "Edit tests/conftest.py",
        ),
    ),
)

INCIDENT: Final = Cast(
    "ops-agents",
    "incident-42",
    age=19,
    budget="10.00",
    cost=2.15,
    roles=(
        Role(
            "lead",
            "Find out why payments are slow, and make them fast again.",
            ("comparing the two graphs",),
            "opus",
        ),
        Role(
            "metrics",
            "Look at the metrics of the last six hours.",
            ("Bash: promtool query range", "Read dashboards/payments.json"),
        ),
        Role("cluster", "Look at the pods of namespace shop.", ("Bash: kubectl top pods -n shop",)),
    ),
    tasks=(
        ("metrics", "Since when, and for whom"),
        ("cluster", "State of the payments pods"),
        ("cluster", "Restart what leaks"),
        ("lead", "Write the timeline"),
    ),
    done=2,
    talk=(
        (17, "lead", "metrics", "Task 1", "Begin with the p99 of /charge by pod."),
        (
            12,
            "metrics",
            "lead",
            "Two pods",
            "Only payments-7c and payments-9f, since 09:40. Their memory only grows.",
        ),
        (
            9,
            "cluster",
            "lead",
            "",
            "Both run image 2.18.1, the others 2.18.0. A restart would buy some hours.",
        ),
        (7, "lead", "cluster", "", "Do it, but ask first."),
    ),
    asks=(
        Ask(
            "cluster",
            "permission",
            "Bash",
            "kubectl rollout restart deployment/payments -n shop",
            {
                "command": "kubectl rollout restart deployment/payments -n shop",
                "description": "Restart the payments pods one after the other",
            },
            2,
            "Bash: kubectl rollout status deployment/payments -n shop",
        ),
    ),
)

SEARCH: Final = Cast(
    "dev-agents",
    "search-index",
    age=33,
    repository="https://git.example/acme/search.git",
    budget="20.00",
    cost=3.07,
    roles=(
        Role("lead", "Make search see changes within a minute.", ("Read src/search/index.py",), "opus"),
        Role(
            "architect",
            "Plan first; write code only once the plan is approved.",
            ("Read src/search/index.py",),
            "opus",
        ),
        Role("worker", "Write the worker.", after=("architect",)),
    ),
    tasks=(
        ("architect", "Read how the index is built today"),
        ("architect", "Plan the outbox"),
        ("worker", "Outbox and worker"),
        ("worker", "Compare both indexes"),
    ),
    done=1,
    talk=(
        (30, "lead", "architect", "", "No new services, please. What we have must do."),
        (5, "architect", "lead", "Plan", "The plan is ready and waits for approval."),
    ),
    asks=(
        Ask(
            "architect",
            "plan",
            "ExitPlanMode",
            "Search without the nightly rebuild",
            {"plan": PLAN},
            4,
            "Write src/search/outbox.py",
        ),
    ),
)

REPORT: Final = Cast(
    "cowork-agents",
    "q3-report",
    age=125,
    budget="15.00",
    cost=3.8,
    roles=(
        Role("lead", "Coordinate the report on the third quarter.", ("writing the summary",), "opus"),
        Role(
            "researcher",
            "Find the numbers of the quarter that matter most.",
            ("Read data/pipeline.csv", "Bash: python3 sums.py", "Write findings.md"),
        ),
        Role(
            "email-drafter",
            "Draft follow-up emails for all Q3 prospects.\nDo not send any of them.",
            after=("researcher",),
            gate=True,
        ),
    ),
    tasks=(
        ("researcher", "Numbers by region"),
        ("researcher", "Prospects without an answer"),
        ("lead", "Summary on one page"),
        ("email-drafter", "Emails to prospects"),
    ),
    done=2,
    talk=(
        (100, "lead", "researcher", "", "Begin with the regions; leave the forecasts out."),
        (50, "researcher", "lead", "Findings", "58 prospects have no answer. The list is in findings.md."),
    ),
)

ASKING: Final = (AUTH, INCIDENT, SEARCH, REPORT)
