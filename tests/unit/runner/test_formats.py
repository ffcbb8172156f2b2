"""Files in a form that only a newer release knows: the older one says so and touches nothing."""

from pathlib import Path

import pytest
from runner_places import Place

from kagents_core.teamfiles.formats import NewerFormatError, claim_format


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_format_is_claimed_once_and_only_ever_counted_up(tmp_path: Path) -> None:
    path = tmp_path / "format"
    claim_format(path, 1)
    first = path.stat()
    claim_format(path, 1)
    assert (path.read_bytes(), path.stat().st_ino) == (b"1\n", first.st_ino)
    claim_format(path, 2)
    assert path.read_bytes() == b"2\n"
    with pytest.raises(NewerFormatError, match=r"format 2; this one knows 1"):
        claim_format(path, 1)
    assert path.read_bytes() == b"2\n"


@pytest.mark.parametrize("text", [b"", b"two\n", b"-1\n", b"1.5\n", b"\xd9\xa1\n"])
def test_what_is_no_number_is_refused_too(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "format"
    path.write_bytes(text)
    with pytest.raises(NewerFormatError, match="has no number"):
        claim_format(path, 1)
    assert path.read_bytes() == text


def test_prepare_refuses_a_volume_of_a_newer_release(place: Place) -> None:
    assert place.run("prepare").code == 0
    kept = place.layout.format
    assert kept.read_text() == "1\n"
    kept.write_text("7\n")
    before = everything(place.layout.root)
    refused = place.run("prepare")
    assert refused.code == 64
    sentence = "The team volume cannot be used: a newer release wrote it (format 7; this one knows 1)."
    assert sentence in refused.sentence and "upgrade kagents again" in refused.sentence
    assert everything(place.layout.root) == before
