"""The other teams of the demonstration: at work, silent, failed, suspended, completed."""

from typing import Final

from kagents_tui.sample.stage.cast import Cast, Role

OTHERS: Final = (
    Cast(
        "dev-agents",
        "billing-fix",
        age=31,
        repository="https://git.example/acme/billing.git",
        cost=0.94,
        roles=(
            Role("lead", "Find and mend the rounding error.", ("Bash: pytest tests/billing -x",), "opus"),
            Role("checker", "Recompute last month's invoices.", ("Bash: python3 recompute.py 2026-10",)),
        ),
        tasks=(
            ("checker", "Invoices that differ"),
            ("lead", "Round once, at the end"),
            ("checker", "Recompute October"),
        ),
        done=1,
        talk=(
            (
                9,
                "checker",
                "lead",
                "Differences",
                "14 invoices differ by a cent, all of them with three items.",
            ),
        ),
        unread={"lead": 9},
    ),
    Cast(
        "dev-agents",
        "docs-sweep",
        age=62,
        repository="https://git.example/acme/handbook.git",
        budget="5.00",
        cost=4.31,
        roles=(
            Role("lead", "Every page of the handbook is true again.", ("reviewing page 12",), "opus"),
            Role("reader", "Try every command of the handbook.", ("Bash: make setup", "Read docs/setup.md")),
            Role("writer", "Mend what is wrong.", ("Edit docs/setup.md", "Edit docs/release.md")),
        ),
        tasks=tuple(
            (("reader", "writer")[number % 2], f"Page {page}")
            for number, page in enumerate(
                ("Setup", "Release", "On call", "Backups", "Access", "Style", "Tests", "Glossary", "Contacts")
            )
        ),
        done=5,
        talk=((20, "reader", "writer", "Backups", "The restore command lacks --to; it fails as it stands."),),
    ),
    Cast(
        "cowork-agents",
        "newsletter",
        age=95,
        cost=1.2,
        roles=(
            Role("lead", "The November newsletter.", ("Read drafts/intro.md",), "opus"),
            Role("translator", "Translate it into French.", ("Write drafts/intro.fr.md",)),
        ),
        tasks=(("lead", "Draft"), ("translator", "French"), ("lead", "Pictures")),
        done=1,
        silent={"translator": 26},
        restarts={"lead": 1},
    ),
    Cast(
        "ops-agents",
        "dependency-bump",
        age=26 * 60,
        cost=0.02,
        phase="Failed",
        why="the lead ended with exit code 64: the API key was refused",
        roles=(
            Role("lead", "Raise every dependency by one minor version.", model="opus"),
            Role("tests", "Run the tests."),
        ),
        tasks=(("lead", "List what is old"), ("lead", "Raise it"), ("tests", "Run everything")),
    ),
    Cast(
        "ops-agents",
        "log-triage",
        age=5 * 60,
        cost=0.88,
        phase="Suspended",
        roles=(
            Role("lead", "Sort the errors of the night.", model="opus"),
            Role("sorter", "One group, one cause."),
        ),
        tasks=(("sorter", "Group by stack"), ("sorter", "Name the causes"), ("lead", "Write tickets")),
        done=1,
    ),
    Cast(
        "dev-agents",
        "api-audit",
        age=3 * 60,
        cost=4.11,
        phase="Completed",
        repository="https://git.example/acme/backend.git",
        roles=(
            Role("lead", "Which endpoints check no permission?", model="opus"),
            Role("reader", "Read every route.", makes=("routes",)),
            Role("prober", "Call every route without a token.", makes=("findings", "coverage")),
        ),
        tasks=(("reader", "List the routes"), ("prober", "Probe them"), ("lead", "Write the report")),
        done=3,
        talk=(
            (
                60,
                "prober",
                "lead",
                "Result",
                "Two of 118 routes answer without a token: /health and /metrics.",
            ),
        ),
    ),
)
