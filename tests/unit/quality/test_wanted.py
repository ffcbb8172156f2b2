"""What a check runs: what the spec says, else what the repository's root tells."""

from pathlib import Path

import pytest

from kagents_runner.quality.wanted import Quality, checks

BOTH = Quality(tests=True, lint=True)


@pytest.mark.parametrize(
    ("files", "lint", "tests"),
    [
        ({"Makefile": "all: test\n\ntest: build\n\tx\nlint:\n\ty\n"}, "make lint", "make test"),
        ({"makefile": "test::\n\tx\n"}, None, "make test"),
        ({"Makefile": "test := 1\nlint ::= 2\ntester:\n\tx\n"}, None, None),
        (
            {"package.json": '{"scripts":{"test":"x","lint":"y"}}'},
            "npm run --silent lint",
            "npm run --silent test",
        ),
        ({"package.json": '{"scripts":{"build":"x"}}'}, None, None),
        ({"package.json": "{"}, None, None),
        ({"package.json": '{"scripts":["test"]}'}, None, None),
        ({"go.mod": ""}, "go vet ./...", "go test ./..."),
        ({"Cargo.toml": ""}, "cargo clippy -- -D warnings", "cargo test"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n[tool.ruff]\n"}, "ruff check .", "python3 -m pytest"),
        ({"pyproject.toml": "[project]\n"}, None, None),
        ({"Makefile": "lint:\n\tx\n", "go.mod": ""}, "make lint", "go test ./..."),
        ({}, None, None),
    ],
)
def test_the_root_of_the_repository_tells(
    tmp_path: Path, files: dict[str, str], lint: str | None, tests: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = {check.gate: check.shell for check in checks(BOTH, tmp_path)}
    assert found == {"requireLint": lint, "requireTests": tests}


def test_what_the_spec_says_comes_before_the_files(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("test:\nlint:\n")
    quality = Quality(tests=True, lint=True, test_command="t", lint_command="l", script="s\n")
    assert [check.shell for check in checks(quality, tmp_path)] == ["l", "t", "s\n"]


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("test:\n\tx\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "Makefile").symlink_to(tmp_path / "outside")
    assert [check.shell for check in checks(Quality(tests=True), root)] == [None]
