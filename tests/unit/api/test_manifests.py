"""Manifests of a stranger: what is read, what is refused, and what a refusal costs."""

import json
import resource
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.api.manifests import MAX_BYTES, ManifestError, read_manifest_file, read_manifests

LEVELS = "\n".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "aliases": f"a: &a [x, x, x, x, x, x, x, x, x, x]\n{LEVELS}\n".encode(),
    "an alias of itself": b"a: &a [*a]\n",
    "merges": b"a: &a {x: 1}\n" + b"".join(b"b%d: &b%d {<<: [*a, *a]}\n" % (n, n) for n in range(20_000)),
    "depth of lists": b"[" * 10_000 + b"]" * 10_000,
    "depth of mappings": b"{a: " * 10_000 + b"}" * 10_000,
    "depth of blocks": b"".join(b" " * n + b"a:\n" for n in range(2_000)),
    "depth of JSON": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "depth of JSON above the limit": b'{"a":' + b"[" * 70 + b"]" * 70 + b"}",
    "many values": b"[" + b"1," * 2_000_000 + b"1]",
    "many values of JSON": b'{"a":[' + b"[]," * 1_300_000 + b"1]}",
    "many documents": b"---\n" * 1_000_000,
    "a hundred megabytes": b"a" * 100_000_000,
    "a duplicate key": b"a: 1\nb: 2\na: 3\n",
    "a duplicate key of JSON": b'{"a": 1, "a": 2}',
    "a duplicate key deep inside": b"spec:\n  lead: {prompt: x, prompt: y}\n",
    "a tag that runs code": b"a: !!python/object/apply:os.system [id]\n",
    "a tag on a scalar": b"a: !!python/name:os.system ''\n",
    "not a number": b"a: .nan\n",
    "not a number of JSON": b'{"a": NaN}',
    "infinity": b"a: -.inf\n",
    "a huge number": b"a: " + b"9" * 5_000 + b"\n",
    "not text": b"\xff\xfe\x00",
    "control characters": b"a: \x1b[2J\n",
    "no mapping": b"- a\n- b\n",
    "broken": b"a: [1, 2\n",
    "a key that is a list": b"? [a, b]\n: c\n",
    "an unknown alias": b"a: *nobody\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_refused_in_one_sentence_and_little_memory(name):
    data = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError) as refusal:
            read_manifests(data, source="team.yaml")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(refusal.value).startswith("team.yaml:")
    assert str(refusal.value).isprintable()
    assert peak < 100 * 1024 * 1024


SCRIPT = """
import sys, time
from pathlib import Path
from kagents_core.api.manifests import ManifestError, read_manifest_file
used = time.process_time()
try:
    read_manifest_file(Path(sys.argv[1]))
except ManifestError as error:
    print(time.process_time() - used)
"""


@pytest.mark.parametrize(
    "name", ["aliases", "depth of lists", "many values", "many documents", "many values of JSON"]
)
def test_refused_in_a_small_process_in_under_a_second(name, tmp_path):
    path = tmp_path / "team.yaml"
    path.write_bytes(BOMBS[name])

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (300 * 1024 * 1024,) * 2)

    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, preexec_fn=limit
    )
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 1.0


def test_a_large_file_is_not_read(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    tracemalloc.start()
    with pytest.raises(ManifestError, match="4 MiB"):
        read_manifest_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MAX_BYTES


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(ManifestError, match="No such file"):
        read_manifest_file(tmp_path / "nothing.yaml")


def test_documents_lists_and_empty_documents():
    text = b"---\na: 1\n---\n---\nkind: List\nitems:\n- b: 2\n- c: 3\n...\n"
    assert read_manifests(text, source="x") == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_scalars_are_read_as_kubernetes_reads_them():
    text = b"""
a: yes
b: "yes"
c: 0755
d: 2026-11-21
e: 1:30
f: ~
g: 1.5
h: 0x1F
i: |
  two
  lines
1: one
"""
    assert read_manifests(text, source="x") == [
        {
            "a": True,
            "b": "yes",
            "c": 493,
            "d": "2026-11-21",
            "e": "1:30",
            "f": None,
            "g": 1.5,
            "h": 31,
            "i": "two\nlines\n",
            "1": "one",
        }
    ]


def test_anchors_and_merges_of_ordinary_size_work():
    text = b"x: &x {model: opus, prompt: a}\ny: {<<: *x, prompt: b}\nz: *x\n"
    (found,) = read_manifests(text, source="x")
    assert found["y"] == {"model": "opus", "prompt": "b"}
    assert found["z"] == {"model": "opus", "prompt": "a"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@pytest.mark.long
@given(st.dictionaries(st.text().filter(lambda key: key != "kind"), JSON, max_size=5))
def test_every_json_object_is_read_back(obj):
    assert read_manifests(json.dumps(obj).encode(), source="x") == [obj]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = read_manifests(data, source="x")
    except ManifestError as error:
        assert str(error).startswith("x:")
    else:
        assert all(isinstance(each, dict) for each in found)
