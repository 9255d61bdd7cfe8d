import os
import shutil

import pytest
from conftest import write_images

from align.datasets.settings import Dataset
from align.workflow import content
from align.workflow.content import annotations_content, content_hash


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


# The user's annotations


@pytest.fixture
def annotated(tmp_path, monkeypatch):
    """Return a data set of photographs with one mask for each image, and the folder of the masks."""
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "photographs")
    shutil.copytree(tmp_path / "photographs", tmp_path / "masks")
    return Dataset(root="photographs", domains=["paris", "rome"], ground_truth=[{"kind": "masks", "folder": "masks"}])


def annotation_hashes(dataset):
    return [annotations_content("photographs", dataset, "ground_truth", domain, remember=True) for domain in dataset.domains]


def test_annotations_count_by_content_and_for_their_domain_alone(annotated, tmp_path):
    paris, rome = annotation_hashes(annotated)
    mask = tmp_path / "masks/paris/cat/0.png"
    os.utime(mask, (1, 1))
    assert annotation_hashes(annotated) == [paris, rome]
    mask.write_bytes((tmp_path / "masks/paris/dog/0.png").read_bytes())
    other, same = annotation_hashes(annotated)
    assert other != paris
    assert same == rome
    mask.unlink()
    assert annotation_hashes(annotated)[0] not in (paris, other)
    (tmp_path / "masks/Thumbs.db").write_text("no annotation")
    (tmp_path / "photographs/paris/cat/1.png").touch()
    assert annotation_hashes(annotated)[1] == rome


def test_without_annotations_there_is_no_hash(annotated, tmp_path):
    assert annotation_hashes(annotated.model_copy(update={"ground_truth": ()})) == [None, None]
    shutil.rmtree(tmp_path / "masks/rome")
    assert annotation_hashes(annotated)[1] is None


def test_before_a_source_has_made_the_images_every_annotation_counts(tmp_path, monkeypatch):
    """Those that the source makes as well do not."""
    monkeypatch.chdir(tmp_path)
    for folder in ("mine/a", "made/masks"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1.png").write_text("mask")
    dataset = Dataset(
        root="made",
        source={"digit_scenes": {}},
        ground_truth=[{"kind": "masks", "folder": "mine"}, {"kind": "masks", "folder": "made/masks"}],
    )
    first = annotations_content("digits", dataset, "ground_truth", "china", remember=False)
    (tmp_path / "made/masks/1.png").write_text("other")
    assert annotations_content("digits", dataset, "ground_truth", "china", remember=False) == first
    (tmp_path / "mine/a/1.png").write_text("other")
    assert annotations_content("digits", dataset, "ground_truth", "china", remember=False) != first
