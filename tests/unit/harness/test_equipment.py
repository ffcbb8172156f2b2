"""Skills and headers of MCP servers, as an agent's container is given them."""

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from kagents_runner.equipment import FolderDocument, McpServerDocument, secret_values
from kagents_runner.harness.claude_code.executable import UnusableError
from kagents_runner.harness.claude_code.skills import install_skills


def mounted(folder: Path, **keys: bytes) -> FolderDocument:
    """A ConfigMap as a kubelet mounts it: links through a link into a hidden folder."""
    hidden = folder / "..2026_11_21"
    hidden.mkdir(parents=True)
    (folder / "..data").symlink_to(hidden.name)
    for name, data in keys.items():
        key = name.replace("__", ".")
        (hidden / key).write_bytes(data)
        (folder / key).symlink_to(f"..data/{key}")
    return FolderDocument("pdf", str(folder))


def tarball(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            member.size = 1 if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(b"x"))
    return buffer.getvalue()


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return buffer.getvalue()


def test_keys_become_files_of_the_skill(tmp_path):
    skill = mounted(tmp_path / "cm", SKILL__md=b"---\nname: pdf\n---\n", notes__txt=b"n")
    install_skills(tmp_path / "home", [skill], tmp_path)
    folder = tmp_path / "home/skills/pdf"
    assert sorted(path.name for path in folder.iterdir()) == ["SKILL.md", "notes.txt"]
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_a_changed_skill_replaces_the_old_one(tmp_path):
    install_skills(tmp_path / "home", [mounted(tmp_path / "a", SKILL__md=b"1", old__txt=b"o")], tmp_path)
    install_skills(tmp_path / "home", [mounted(tmp_path / "b", SKILL__md=b"2")], tmp_path)
    folder = tmp_path / "home/skills/pdf"
    assert [path.name for path in folder.iterdir()] == ["SKILL.md"]
    assert (folder / "SKILL.md").read_bytes() == b"2"


@pytest.mark.parametrize("name", ["all__tar__gz", "all__tgz", "all__zip"])
def test_archives_bring_folders(tmp_path, name):
    data = zipped(scripts__run="x") if name.endswith("zip") else tarball("./scripts/run")
    install_skills(tmp_path / "home", [mounted(tmp_path / "cm", SKILL__md=b"s", **{name: data})], tmp_path)
    assert (tmp_path / "home/skills/pdf/scripts/run").read_text() == "x"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tarball("../../out"), "leads out"),
        (tarball("/etc/out"), "leads out"),
        (tarball("link", kind=tarfile.SYMTYPE), "no plain file"),
        (tarball("hard", kind=tarfile.LNKTYPE), "no plain file"),
        (b"no archive", "cannot be unpacked"),
        (tarball(*(f"f{n}" for n in range(2_100))), "more than 2000 files"),
    ],
    ids=["upwards", "absolute", "symbolic-link", "hard-link", "no-archive", "many-files"],
)
def test_a_hostile_archive_is_refused_and_writes_nothing_outside(tmp_path, data, says):
    skill = mounted(tmp_path / "cm", SKILL__md=b"s", all__tgz=data)
    with pytest.raises(UnusableError, match=says):
        install_skills(tmp_path / "home", [skill], tmp_path)
    assert not (tmp_path / "home/skills/pdf").exists()
    assert not (tmp_path / "out").exists()


def test_a_skill_without_its_manifest_is_named(tmp_path):
    with pytest.raises(UnusableError, match=r"The skill pdf has no file SKILL\.md"):
        install_skills(tmp_path / "home", [mounted(tmp_path / "cm", other__md=b"x")], tmp_path)


def test_headers_come_from_the_keys_of_the_secret(tmp_path):
    mounted(tmp_path / "s", token=b"secret-1\n", **{"X-Team": b"red"})
    (tmp_path / "s" / "bad name").write_text("x")
    (tmp_path / "s" / "X-Bad").write_bytes(b"a\r\nInjected: b")
    command = [sys.executable, "-I", "-m", "kagents_runner.mcp.headers", str(tmp_path / "s")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ran.stdout) == {"Authorization": "Bearer secret-1", "X-Team": "red"}


def started(tmp_path: Path, server: McpServerDocument, **inherited: str) -> subprocess.CompletedProcess[str]:
    """What a command is, once the launcher has become it."""
    file = tmp_path / "commands.json"
    file.write_text(json.dumps({server.name: asdict(server)}))
    command = [sys.executable, "-I", "-m", "kagents_runner.mcp.stdio", str(file), server.name]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", **inherited},
    )


def test_a_command_gets_its_variables_and_not_the_model_s_credential(tmp_path: Path) -> None:
    mounted(tmp_path / "s", DB_PASSWORD=b"secret-2")
    server = McpServerDocument(
        "db", "stdio", credentials=str(tmp_path / "s"), command="env", args=("-0",), env={"DB_HOST": "h"}
    )
    ran = started(tmp_path, server, ANTHROPIC_API_KEY="k", CLAUDE_CONFIG_DIR="/c", KAGENTS_TEAM="t", OWN="o")
    found = dict(entry.split("=", 1) for entry in ran.stdout.split("\0") if entry)
    del found["LC_CTYPE"]  # Python's own
    assert found == {"PATH": "/usr/bin:/bin", "OWN": "o", "DB_HOST": "h", "DB_PASSWORD": "secret-2"}


def test_arguments_of_a_command_are_taken_literally(tmp_path: Path) -> None:
    hostile = ("%s\\n", "$(touch out); ${HOME}", "--flag", "a b")
    ran = started(tmp_path, McpServerDocument("x", "stdio", command="printf", args=hostile), HOME="/h")
    assert ran.stdout == "$(touch out); ${HOME}\n--flag\na b\n"


@pytest.mark.parametrize(
    ("command", "says"),
    [("no-such-program", "No such file"), ("/etc/passwd", "ermission"), ("a\0b", "embedded null")],
)
def test_a_command_that_cannot_be_started_is_one_sentence(tmp_path: Path, command: str, says: str) -> None:
    ran = started(tmp_path, McpServerDocument("x", "stdio", command=command))
    assert ran.returncode == 1 and says in ran.stderr and "Traceback" not in ran.stderr


def test_values_of_mounted_secrets_are_known_to_the_log(tmp_path: Path) -> None:
    mounted(tmp_path / "s", token=b"secret-1\n")
    there = McpServerDocument("a", "http", credentials=str(tmp_path / "s"))
    assert secret_values([there, McpServerDocument("b", "http", credentials="/nowhere")]) == ["secret-1"]


def test_a_folder_of_the_repository_is_a_skill_and_no_link_of_it_is_followed(tmp_path: Path) -> None:
    worktree, home = tmp_path / "worktree", tmp_path / "home"
    (worktree / "skills/pdf/scripts").mkdir(parents=True)
    (worktree / "skills/pdf/SKILL.md").write_text("s")
    (worktree / "skills/pdf/scripts/run").write_text("r")
    install_skills(home, [FolderDocument("pdf", path="skills/pdf")], worktree)
    assert (home / "skills/pdf/scripts/run").read_text() == "r"
    (worktree / "skills/pdf/away").symlink_to("/etc/passwd")
    with pytest.raises(UnusableError, match=r"'away': .*look at skills/pdf"):
        install_skills(home, [FolderDocument("pdf", path="skills/pdf")], worktree)
    (worktree / "etc").symlink_to("/etc")
    with pytest.raises(UnusableError, match="leads out of the repository"):
        install_skills(home, [FolderDocument("pdf", path="etc")], worktree)
    with pytest.raises(UnusableError, match=r"has no file SKILL\.md"):
        install_skills(home, [FolderDocument("pdf", path="skills/missing")], worktree)
    assert (home / "skills/pdf/SKILL.md").read_text() == "s", "what was installed before stays whole"


def test_what_was_pulled_is_a_skill(tmp_path: Path) -> None:
    pulled = tmp_path / "pulled"
    (pulled / "a").mkdir(parents=True)
    (pulled / "SKILL.md").write_text("s")
    (pulled / "a/b.tgz").write_bytes(b"kept as it is")
    install_skills(tmp_path / "home", [FolderDocument("pdf", str(pulled), oci="h.io/a:1")], tmp_path)
    assert (tmp_path / "home/skills/pdf/a/b.tgz").read_bytes() == b"kept as it is"
