"""Skills from OCI artifacts: pulled by ``await``, checked, unpacked within limits, or refused."""

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registry_server import INDEX, MANIFEST, NAME, PASSWORD, TAR, TOKEN, Registry, digest_of, tarball
from runner_places import Place

from kagents_runner.archives import MOST_BYTES
from kagents_runner.registry.reference import parse_reference
from kagents_runner.termination import RunnerError

pytestmark = pytest.mark.long

SKILL = b"---\nname: pdf\ndescription: d\n---\n"
GOOD = tarball(("SKILL.md", SKILL), ("scripts/run.sh", b"echo"))


def long_header() -> bytes:
    """A few bytes that become more than is read, before any file begins."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("SKILL.md")
        info.pax_headers = {"comment": "x" * (3 * MOST_BYTES)}
        archive.addfile(info)
    return gzip.compress(buffer.getvalue(), 1)


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.close()


class Puller:
    """``await`` of an agent with one skill from the registry."""

    def __init__(self, place: Place, registry: Registry) -> None:
        place.prepare()
        self.place, self.registry = place, registry
        self.target = place.root / "pulled/pdf"
        self.secret: Path | None = None
        self.kind = "skills"
        place.variables["KAGENTS_REGISTRY_NETWORKS"] = "127.0.0.0/8"

    def account(self, password: str = PASSWORD) -> None:
        self.secret = self.place.root / "registry-secret"
        self.secret.mkdir()
        auth = base64.b64encode(f"{NAME}:{password}".encode()).decode()
        config = {"auths": {self.registry.host: {"auth": auth}}}
        (self.secret / ".dockerconfigjson").write_text(json.dumps(config))

    def pull(self, version: str = ":1", host: str | None = None) -> Any:
        skill = {
            "name": "pdf",
            "dir": str(self.target),
            "oci": f"{host or self.registry.host}/team/skill{version}",
            "credentials": None if self.secret is None else str(self.secret),
        }
        self.place.agents["scout"][self.kind] = [skill]
        return self.place.run("await", "scout")

    def files(self) -> dict[str, bytes]:
        found = [path for path in self.target.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.target)): path.read_bytes() for path in found}


@pytest.fixture
def puller(place: Place, registry: Registry) -> Puller:
    return Puller(place, registry)


def test_a_tag_and_a_digest_bring_the_same_files(puller: Puller) -> None:
    digest = puller.registry.add("1", (TAR, GOOD, None), ("text/plain", b"n", "notes/a.txt"))
    wanted = {"SKILL.md": SKILL, "scripts/run.sh": b"echo", "notes/a.txt": b"n"}
    for version in (":1", f"@{digest}", f":gone@{digest}"):
        assert puller.pull(version).code == 0
        assert puller.files() == wanted


def test_a_folder_that_was_packed_as_one_is_the_skill(puller: Puller) -> None:
    packed = tarball(("pdf/SKILL.md", SKILL), ("pdf/a/b", b"x"))
    puller.registry.add("1", (TAR, packed, "pdf"))
    assert puller.pull().code == 0
    assert puller.files() == {"SKILL.md": SKILL, "a/b": b"x"}


def test_a_plugin_is_pulled_too_and_keeps_its_hidden_folder(puller: Puller) -> None:
    puller.kind, puller.target = "plugins", puller.place.root / "pulled/.plugins/finance"
    manifest = (".claude-plugin/plugin.json", b'{"name": "finance"}')
    puller.registry.add("1", (TAR, tarball(manifest), None))
    assert puller.pull().code == 0
    assert puller.files() == dict([manifest])
    ran = puller.pull(":missing")
    assert ran.code == 64 and ran.sentence.startswith("The plugin pdf: ")


def test_an_index_of_one_is_followed_and_one_of_several_is_not(puller: Puller) -> None:
    digest = puller.registry.add("one", (TAR, GOOD, None))
    size = len(puller.registry.parts["/manifests/one"])
    entry = {"mediaType": MANIFEST, "digest": digest, "size": size}
    puller.registry.put("1", {"mediaType": INDEX, "schemaVersion": 2, "manifests": [entry]})
    assert puller.pull().code == 0 and "SKILL.md" in puller.files()
    puller.registry.put("2", {"mediaType": INDEX, "schemaVersion": 2, "manifests": [entry, entry]})
    ran = puller.pull(":2")
    assert ran.code == 64 and "name one of them by its digest" in ran.sentence


@pytest.mark.parametrize("way", ["basic", "bearer"])
def test_the_account_of_the_secret_reads_a_closed_registry(puller: Puller, way: str) -> None:
    puller.registry.add("1", (TAR, GOOD, None))
    puller.registry.wants = way
    ran = puller.pull()
    assert ran.code == 64 and "source.credentialsSecret" in ran.sentence
    puller.account()
    ran = puller.pull()
    assert ran.code == 0 and puller.files()["SKILL.md"] == SKILL
    told = ran.out + ran.err + json.dumps(sorted(map(str, puller.place.root.rglob("*"))))
    assert PASSWORD not in told and TOKEN not in told
    written = b"".join(path.read_bytes() for path in puller.target.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in written


@pytest.mark.parametrize("password", ["canary-wrong-7", "canary-wrong-€-密码"])
def test_a_wrong_password_is_a_sentence_without_it(puller: Puller, password: str) -> None:
    puller.registry.add("1", (TAR, GOOD, None))
    puller.registry.wants = "bearer"
    puller.account(password)
    ran = puller.pull()
    assert ran.code == 64
    assert "(401)" in ran.sentence
    assert "canary" not in ran.out + ran.err + ran.sentence


@pytest.mark.parametrize("entry", [None, {"username": "a:b", "password": "c"}])
def test_a_secret_that_is_none_is_named(puller: Puller, entry: dict[str, str] | None) -> None:
    puller.registry.add("1", (TAR, GOOD, None))
    puller.account()
    assert puller.secret is not None
    document = {"auths": {puller.registry.host: entry}} if entry else []
    (puller.secret / ".dockerconfigjson").write_text(json.dumps(document))
    ran = puller.pull()
    assert ran.code == 64 and "docker-registry" in ran.sentence


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ((TAR, tarball(("../out", b"x")), None), "leads out"),
        ((TAR, tarball(("/etc/out", b"x")), None), "leads out"),
        ((TAR, tarball(("link", None)), None), "no plain file"),
        ((TAR, b"no archive", None), "cannot be unpacked"),
        ((TAR, GOOD[:40], None), "cannot be unpacked"),
        ((TAR, long_header(), None), "becomes more than"),
        ((TAR, tarball(*((f"f{n}", bytes(MOST_BYTES // 2)) for n in range(3))), None), "32 MiB"),
        ((TAR, tarball(*((f"f{n}", b"") for n in range(2_100))), None), "more than 2000 files"),
        (("text/plain", b"x", "../../out"), "leads out"),
        (("application/zstd", b"x", None), "neither a tar archive nor a file"),
    ],
    ids=["upwards", "absolute", "link", "no-archive", "cut", "header", "bomb", "many", "title", "type"],
)
def test_a_hostile_layer_is_refused(puller: Puller, layer: tuple[str, bytes, str | None], says: str) -> None:
    puller.registry.add("1", layer)
    ran = puller.pull()
    assert ran.code == 64, ran.err
    assert ran.sentence.startswith("The skill pdf: ") and says in ran.sentence
    assert not (puller.place.root / "out").exists()


def test_what_is_not_of_its_digest_is_refused(puller: Puller) -> None:
    digest = puller.registry.add("1", (TAR, GOOD, None))
    other = tarball(("SKILL.md", b"other"))
    puller.registry.parts[f"/blobs/{digest_of(GOOD)}"] = other[: len(GOOD)].ljust(len(GOOD), b"x")
    ran = puller.pull()
    assert ran.code == 64 and "not the one of its digest" in ran.sentence
    puller.registry.parts[f"/manifests/{digest}"] = b'{"layers": []}'
    ran = puller.pull(f"@{digest}")
    assert ran.code == 64 and "not the one of its digest" in ran.sentence


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ({"layers": []}, "no layers"),
        ({"layers": "x"}, "no layers"),
        ({"layers": [7]}, "without a sha256 digest"),
        ({"layers": [{"digest": "sha256:" + "0" * 64, "size": -1}]}, "without a size"),
        ({"layers": [{"digest": "sha256:" + "0" * 64, "size": 33 * 2**20}]}, "larger than 32 MiB"),
        ({"layers": [{"digest": "sha512:" + "0" * 64, "size": 1}]}, "without a sha256 digest"),
        ({"manifests": []}, "index of several"),
    ],
)
def test_an_odd_manifest_is_refused(puller: Puller, manifest: dict[str, Any], says: str) -> None:
    puller.registry.put("1", manifest)
    ran = puller.pull()
    assert ran.code == 64 and says in ran.sentence


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ((404, {}), 64, "is not there"),
        ((503, {}), 1, "cannot be had now"),
        ((302, {"Location": "http://127.0.0.1:9/x"}), 64, "redirected"),
        ((302, {"Location": "file:///etc/passwd"}), 64, "redirected"),
        ((302, {}), 64, "redirected"),
    ],
)
def test_what_a_registry_answers_instead(
    puller: Puller, answer: tuple[int, dict[str, str]], code: int, says: str
) -> None:
    puller.registry.add("1", (TAR, GOOD, None))
    puller.registry.answer = lambda path: answer if path.startswith("/blobs/") else None
    ran = puller.pull()
    assert ran.code == code and says in ran.sentence


def test_a_layer_may_lie_elsewhere_on_the_registry(puller: Puller) -> None:
    puller.registry.add("1", (TAR, GOOD, None))
    puller.registry.parts["/stored"] = GOOD
    there = {"Location": "/v2/team/skill/stored"}
    puller.registry.answer = lambda path: (307, there) if path.startswith("/blobs/") else None
    assert puller.pull().code == 0 and puller.files()["SKILL.md"] == SKILL


def test_a_private_address_is_refused_unless_it_is_allowed(puller: Puller) -> None:
    puller.registry.add("1", (TAR, GOOD, None))
    del puller.place.variables["KAGENTS_REGISTRY_NETWORKS"]
    ran = puller.pull()
    assert ran.code == 1 and "its address is private" in ran.sentence
    assert puller.registry.asked == []


def test_only_the_same_machine_is_spoken_to_without_tls() -> None:
    bases = {
        "127.0.0.1:5000/a:1": "http://127.0.0.1:5000/v2/a",
        "localhost:5000/a/b:1": "http://localhost:5000/v2/a/b",
        "registry:5000/a:1": "https://registry:5000/v2/a",
        "localhost.example.com/a:1": "https://localhost.example.com/v2/a",
        "127.0.0.1.example.com/a:1": "https://127.0.0.1.example.com/v2/a",
        "docker.io/library/a:1": "https://registry-1.docker.io/v2/library/a",
    }
    assert {text: parse_reference(text).base for text in bases} == bases
    wrong = ["a", "a:1", "h.io/a", "h.io/A:1", "h.io/../a:1", "h.io//a:1", "u@h.io/a:1", "h.io/a@sha256:1"]
    for text in wrong:
        with pytest.raises(RunnerError):
            parse_reference(text)
