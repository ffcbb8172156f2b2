"""Which forge a repository's address leads to, and where its API is."""

import pytest

from kagents_runner.finish.address import ForgeAddress, forge_of
from kagents_runner.finish.documents import PullRequestWish
from kagents_runner.termination import RunnerError

GITHUB = ForgeAddress("github", "https://api.github.com", "acme/backend")
ENTERPRISE = ForgeAddress("github", "https://git.acme.example/api/v3", "acme/backend")
GITLAB = ForgeAddress("gitlab", "https://gitlab.com/api/v4", "acme/team/backend")


def wish(**more: str) -> PullRequestWish:
    return PullRequestWish.model_validate({"title": "Work", "target": "main"} | more)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com/acme/backend.git", GITHUB),
        ("https://GitHub.com/acme/backend", GITHUB),
        ("git@github.com:acme/backend.git", GITHUB),
        ("ssh://git@github.com:22/acme/backend.git", GITHUB),
        ("https://git.acme.example/acme/backend.git", ENTERPRISE),
        ("git@git.acme.example:acme/backend.git", ENTERPRISE),
        ("https://gitlab.com/acme/team/backend.git", GITLAB),
        ("git@gitlab.com:acme/team/backend.git", GITLAB),
        (
            "https://gitlab.acme.example:8443/acme/backend.git",
            ForgeAddress("gitlab", "https://gitlab.acme.example:8443/api/v4", "acme/backend"),
        ),
    ],
)
def test_it_is_told_from_the_address(url: str, address: ForgeAddress) -> None:
    assert forge_of(url, wish()) == address


def test_what_the_manifest_says_goes_first() -> None:
    said = wish(provider="gitlab", apiUrl="https://forge.acme.example/api/v4/")
    found = forge_of("https://git.acme.example/acme/team/backend.git", said)
    assert found == ForgeAddress("gitlab", "https://forge.acme.example/api/v4", "acme/team/backend")


@pytest.mark.parametrize(
    "url", ["file:///srv/backend.git", "https://github.com/backend.git", "https://h/a/b/c"]
)
def test_what_cannot_be_told_names_the_way_out(url: str) -> None:
    with pytest.raises(RunnerError, match="provider and apiUrl") as told:
        forge_of(url, wish())
    assert told.value.code == 64
