"""Mount paths in text become real directories, and nothing else changes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_local.kubelet.rewrite import mount_rewriter

MOUNTS = {
    "/workspace": "/real/ws",
    "/workspace/output": "/real/out",
    "/kagents/team": "/data/v/team",
}
rewrite = mount_rewriter(MOUNTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/workspace", "/real/ws"),
        ("/workspace/", "/real/ws/"),
        ("/workspace/output/report.md", "/real/out/report.md"),
        ("/workspace/outputs", "/real/ws/outputs"),
        ("/workspaces/x", "/workspaces/x"),
        ("/workspace-old", "/workspace-old"),
        ("/workspace.bak", "/workspace.bak"),
        ("Write to /workspace/output. Then stop.", "Write to /real/out. Then stop."),
        ("(see /workspace), `/workspace`", "(see /real/ws), `/real/ws`"),
        ("**/workspace/output**", "**/real/out**"),
        ("/home/workspace and /other/workspace", "/home/workspace and /other/workspace"),
        ("./workspace ~/workspace", "./workspace ~/workspace"),
        ("${ROOT}/workspace", "${ROOT}/workspace"),
        ("https://host/workspace/x", "https://host/workspace/x"),
        ("file:///workspace/repo.git", "file:///real/ws/repo.git"),
        ("--out=/workspace/output:/kagents/team", "--out=/real/out:/data/v/team"),
        (r"first\n/workspace", r"first\n/real/ws"),
    ],
)
def test_a_path_is_replaced_only_where_it_is_a_whole_path(text: str, expected: str) -> None:
    assert rewrite(text) == expected


def test_json_strings_are_rewritten_inside_their_escapes() -> None:
    document = {"prompt": 'Read\n/workspace/data "now"', "n": 1, "list": ["/kagents/team", None]}
    rewritten = json.loads(rewrite(json.dumps(document)))
    assert rewritten == {"prompt": 'Read\n/real/ws/data "now"', "n": 1, "list": ["/data/v/team", None]}


def test_a_real_directory_that_json_must_escape_keeps_the_document_valid() -> None:
    odd = mount_rewriter({"/w": 'C:\\quo"te'})
    assert json.loads(odd('{"a":"/w/x"}')) == {"a": 'C:\\quo"te/x'}


def test_json_without_mount_paths_keeps_its_exact_spelling() -> None:
    text = '{ "a" : 1.0,\t"b":"\\u00e4" }'
    assert rewrite(text) == text


def test_what_was_put_in_is_not_searched_again() -> None:
    assert mount_rewriter({"/a": "/b/x", "/b": "/c"})("/a /b") == "/b/x /c"


words = st.text(alphabet="abz09_-.é", min_size=1, max_size=6)


@given(before=words, after=words)
def test_inside_other_words_nothing_is_replaced(before: str, after: str) -> None:
    for text in (f"{before}/workspace", f"/x{before}/workspace/y", f"/workspace{after.lstrip('.')}z"):
        assert rewrite(text) == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_documents_stay_documents(value: object) -> None:
    text = json.dumps({"value": value, "path": "/workspace/x"})
    changed = json.loads(rewrite(text))
    assert changed["path"] == "/real/ws/x"
    if "/" not in text.replace("/workspace/x", ""):
        assert changed["value"] == value


@given(st.text(alphabet='/workspaceut .\n\\"{}[]', max_size=40))
def test_rewriting_never_fails_and_leaves_text_without_slash_alone(text: str) -> None:
    result = rewrite(text)
    if "/workspace" not in text and "/kagents" not in text:
        assert result == text
