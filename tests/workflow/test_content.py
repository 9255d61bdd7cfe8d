import os

import pytest

from align.workflow import content
from align.workflow.content import content_hash


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Return a function that gives the hash of the two files ``a`` and ``b`` in a folder, and counts the files that it reads."""
    monkeypatch.chdir(tmp_path)
    read = []
    monkeypatch.setattr(content, "sha256", lambda path, sha256=content.sha256: read.append(path.name) or sha256(path))
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)

    def hash_and_read():
        read.clear()
        return content_hash("files", tmp_path, ["a", "b"], remember=True), list(read)

    return hash_and_read


def test_files_are_read_once(files):
    first, read = files()
    assert read == ["a", "b"]
    assert files() == (first, [])


def test_the_same_content_has_the_same_hash_whatever_its_times(files, tmp_path):
    first, _ = files()
    os.utime(tmp_path / "a", (1, 1))
    assert files() == (first, ["a"])
    (tmp_path / "b").unlink()
    (tmp_path / "b").write_text("b")
    assert files() == (first, ["b"])
    assert files() == (first, [])


def test_another_content_is_noticed_even_with_the_old_size_and_time(files, tmp_path):
    first, _ = files()
    status = (tmp_path / "a").stat()
    (tmp_path / "a").write_text("A")
    os.utime(tmp_path / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    second, read = files()
    assert (second != first, read) == (True, ["a"])
    (tmp_path / "a").write_text("a")
    assert files()[0] == first


def test_a_file_that_is_gone_is_noticed(files, tmp_path):
    first, _ = files()
    (tmp_path / "a").unlink()
    assert files()[0] != first


def test_a_job_reads_anew_but_writes_no_record(files, tmp_path):
    first, _ = files()
    (tmp_path / "a").write_text("A")
    changed = content_hash("files", tmp_path, ["a", "b"], remember=False)
    assert changed == content_hash("files", tmp_path, ["a", "b"], remember=False) != first
    assert files()[1] == ["a"]


def test_a_broken_record_is_made_again(files, tmp_path):
    first, _ = files()
    (record,) = (tmp_path / content.RECORDS).iterdir()
    record.write_text("[1")
    assert files() == (first, ["a", "b"])


def test_two_folders_of_one_name_are_each_read_once(files, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").write_text("other")
    first, _ = files()
    second = content_hash("files", other, ["a"], remember=True)
    assert second != first
    assert files() == (first, [])
