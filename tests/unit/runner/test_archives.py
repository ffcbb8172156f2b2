"""Archives that are broken, encrypted, or lie: an error that is known, never another."""

import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_runner.archives import UNUSABLE, files_of_tar, files_of_zip, fill

FILES = {"skill/SKILL.md": b"Read this first. " * 200, "skill/table.csv": bytes(range(256)) * 8}


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def zipped(compression: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return made.getvalue()


READERS = {
    "tar": (tarred(), lambda data: files_of_tar(data, compressed=False)),
    "tar.gz": (gzip.compress(tarred(), mtime=0), files_of_tar),
    "zip": (zipped(zipfile.ZIP_DEFLATED), files_of_zip),
    "zip with lzma": (zipped(zipfile.ZIP_LZMA), files_of_zip),
    "zip with bzip2": (zipped(zipfile.ZIP_BZIP2), files_of_zip),
}
kinds = pytest.mark.parametrize("kind", READERS)


@kinds
def test_what_is_whole_is_read(kind, tmp_path):
    data, read = READERS[kind]
    fill(tmp_path, read(data))
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES


@kinds
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4), kept=st.floats(0, 1))
def test_what_is_broken_ends_in_a_known_error(kind, places, kept):
    whole, read = READERS[kind]
    data = bytearray(whole)
    for place, byte in places:
        data[int(place * (len(data) - 1))] = byte
    try:
        found = dict(read(bytes(data[: int(kept * len(data))])))
    except UNUSABLE:
        return
    assert len(found) <= len(FILES)


@pytest.mark.parametrize("kind", ["tar.gz", "zip", "zip with lzma"])
def test_broken_compression_is_a_known_error(kind):
    whole, read = READERS[kind]
    for place in range(40, 120):
        data = bytearray(whole)
        data[place] ^= 0xFF
        try:
            list(read(bytes(data)))
        except UNUSABLE:
            continue


def test_an_encrypted_archive_is_a_known_error():
    data = bytearray(zipped(zipfile.ZIP_DEFLATED))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    with pytest.raises(UNUSABLE, match="encrypted"):
        list(files_of_zip(bytes(data)))
