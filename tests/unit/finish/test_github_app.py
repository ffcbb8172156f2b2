"""A GitHub App: a token of one hour for clone, push and request, and a key that stays where it is."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from finishing_team import Finishing
from forge_server import APP, APP_TOKEN, INSTALLATION, ForgeServer
from runner_places import Place, git, make_repository


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def team(tmp_path: Path, forge: ForgeServer, key: RSAPrivateKey) -> Place:
    """A coding team on the forge, with an App's credentials and nothing prepared."""
    forge.app_key, forge.root = key.public_key(), tmp_path / "forge"
    (forge.root / "acme").mkdir(parents=True)
    bare = str(forge.root / "acme/backend.git")
    git(tmp_path, "clone", "-q", "--bare", str(make_repository(tmp_path / "seed")), bare)
    root = tmp_path / "place"
    root.mkdir()
    place = Place(root)
    url = f"{forge.url}/acme/backend.git"
    place.repository = {"url": url, "branch": "main", "worktreeStrategy": "per-teammate"}
    secret(place, key=pem(key))
    return place


def secret(place: Place, *, app: str = APP, installation: str = INSTALLATION, key: str) -> None:
    folder = place.root / "secret"
    folder.mkdir(exist_ok=True)
    for name, value in (("id", app), ("installation-id", installation), ("private-key", key)):
        (folder / f"github-app-{name}").write_text(value + "\n")
    place.variables["KAGENTS_GIT_CREDENTIALS_DIR"] = str(folder)


def test_clone_push_and_request_by_an_app(team: Place, forge: ForgeServer, key: RSAPrivateKey) -> None:
    prepared = team.run("prepare")
    assert prepared.code == 0, prepared.err
    assert forge.minted == [{"permissions": {"contents": "read"}}], "to clone, it asks for no more"
    finishing = Finishing(team, forge.root / "acme/backend.git")
    finishing.wish |= {"order": ["scout", "lead"], "pullRequest": {"title": "Work", "target": "main"}}
    finishing.work("scout", "api.py", "api\n")
    told = finishing.outcome()
    assert finishing.pushed("api.py") == "api"
    assert [made["html_url"] for made in forge.requests] == [told["url"]]
    assert forge.minted[1:] == [{"repositories": ["backend"]}] * 2
    secrets = (APP_TOKEN, pem(key).splitlines()[3])
    files = [path for path in team.root.rglob("*") if path.is_file() and path.parent.name != "secret"]
    assert [path for path in files for each in secrets if each.encode() in path.read_bytes()] == []
    assert not any(each in prepared.out + prepared.err + json.dumps(forge.requests) for each in secrets)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"app": "4712"}, "GitHub gives this App no token"),
        ({"installation": "816"}, "GitHub gives this App no token"),
        ({"app": ""}, "The key github-app-id of the Secret is empty"),
        ({"installation": "1/../2"}, "GitHub gives this App no token"),
        ({"key": "KEY-canary"}, "The key github-app-private-key of the repository's Secret is no RSA key"),
    ],
)
def test_what_a_person_must_mend_is_one_sentence(
    team: Place, key: RSAPrivateKey, change: dict[str, str], sentence: str
) -> None:
    secret(team, **({"key": pem(key)} | change))
    ran = team.run("prepare")
    assert ran.code == 64
    assert sentence in ran.sentence
    assert "KEY-canary" not in ran.sentence + ran.out + ran.err
    assert "PRIVATE KEY" not in ran.sentence + ran.out + ran.err


def test_a_key_of_another_kind_is_refused(team: Place) -> None:
    other = generate_curve_key(SECP256R1())
    secret(team, key=other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    assert "is no RSA key" in team.run("prepare").sentence


def test_a_key_that_is_not_the_apps_is_refused(team: Place) -> None:
    secret(team, key=pem(generate_private_key(public_exponent=65537, key_size=2048)))
    ran = team.run("prepare")
    assert ran.code == 64
    assert "401" in ran.sentence and "github-app-private-key" in ran.sentence


def test_a_forge_that_is_away_is_tried_again(team: Place) -> None:
    assert team.repository is not None
    team.repository["url"] = "http://127.0.0.1:9/acme/backend.git"
    assert team.run("prepare").code == 1
