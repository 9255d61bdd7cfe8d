import contextlib
import gzip
import io
import json
import logging
import os
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from align.acquisition import extraction
from align.acquisition.archive_file import ArchiveFile
from align.acquisition.extraction import extract, regular_files
from align.datasets.archived_folders import destination, unpack_archives
from align.errors import InputError
from align.files import whole_folder
from align.settings import Section

MEGABYTE = 10**6
MEBIBYTE = 2**20
PHOTOGRAPH = bytes(range(256)) * 300  # more than one chunk

Entry = tuple[str, bytes] | tarfile.TarInfo


def tar_header(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, link
    return header


def tar_file(path: Path, *entries: Entry, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
            else:
                header = tarfile.TarInfo(entry[0])
                header.size = len(entry[1])
                tar.addfile(header, io.BytesIO(entry[1]))
    return path


def zip_file(path: Path, *entries: tuple[str, bytes], modes: dict[str, int] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return path


def everything(member: PurePosixPath) -> PurePosixPath:
    return member


def unpack(path: Path, at_most: int = 100 * MEGABYTE) -> dict[str, bytes]:
    """Extract an archive to a new folder beside it and return the files by path."""
    folder = path.parent / "unpacked"
    with whole_folder(folder) as partial:
        extract(ArchiveFile(path, at_most), partial, everything)
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def refusal(path: Path, at_most: int = 100 * MEGABYTE) -> str:
    """Return the message of an archive's refusal, after checking that nothing is left behind."""
    with pytest.raises(InputError) as caught:
        unpack(path, at_most)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def random_bytes() -> bytes:
    return np.random.default_rng(0).bytes(20_000)


BUILDERS: list[Callable[..., Path]] = [
    lambda path, *entries: tar_file(path / "a.tar.gz", *entries),
    lambda path, *entries: tar_file(path / "a.tar", *entries, mode="w"),
    lambda path, *entries: zip_file(path / "a.zip", *entries),
]
every_format = pytest.mark.parametrize("build", BUILDERS, ids=["tar.gz", "tar", "zip"])


@every_format
def test_regular_files_are_written_with_their_bytes(build, tmp_path):
    content = {"VLCS/SUN09/car/1.jpg": PHOTOGRAPH, "empty": b"", "long/" + "é" * 100 + "/2.jpg": b"2"}
    assert unpack(build(tmp_path, *content.items())) == content


@every_format
def test_what_is_left_out_is_counted_by_reason(build, tmp_path):
    archive = ArchiveFile(build(tmp_path, ("a/1", b"1"), ("a/2", PHOTOGRAPH), ("b", b"3")), MEGABYTE)
    extracted = extract(archive, tmp_path / "to", lambda path: path if path.name == "1" else f"in {path.parent}")
    assert extracted.written == 1
    assert extracted.left_out == {"in a": 1, "in .": 1}
    assert (tmp_path / "to/a/1").read_bytes() == b"1"
    assert not (tmp_path / "to/b").exists()


@every_format
def test_content_is_skipped_where_it_is_not_asked_for(build, tmp_path):
    archive = ArchiveFile(build(tmp_path, ("a", PHOTOGRAPH), ("b", b"b"), ("c", PHOTOGRAPH)), MEGABYTE)
    assert [str(path) for path, _ in regular_files(archive)] == ["a", "b", "c"]
    assert [len(next(chunks)) for _, chunks in regular_files(archive)] == [extraction.CHUNK_BYTES, 1, extraction.CHUNK_BYTES]


def test_the_content_tells_the_format(tmp_path):
    assert unpack(tar_file(tmp_path / "named.zip", ("a", b"a"))) == {"a": b"a"}


def test_modes_and_times_of_the_archive_are_not_applied(tmp_path):
    header = tarfile.TarInfo("program")
    header.mode, header.mtime, header.uid = 0o4777, 1, 12345
    tar_file(tmp_path / "a.tar.gz", header)
    extract(ArchiveFile(tmp_path / "a.tar.gz", MEGABYTE), tmp_path / "to", everything)
    status = (tmp_path / "to/program").stat()
    assert stat.S_IMODE(status.st_mode) & 0o7111 == 0
    assert status.st_mtime > 1


@every_format
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up", "a/../../up", "a/..", "C:/up", "C:up", r"\up", r"\\host\share\up", r"a\..\..\up", r"C:\up"]
)
def test_a_name_that_leads_out_is_refused(build, name, tmp_path):
    message = refusal(build(tmp_path, ("good", b""), (name, b"bad")))
    assert f"found the member {name!r}, expected a path that stays in the target folder" in message
    assert "take the archive from its publisher" in message


@pytest.mark.parametrize("name", ["caf\udce9.jpg", "caf\udce9/"])
def test_a_name_that_is_not_utf8_is_refused(name, tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(tar_header(name, tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE))
    assert r"found the member 'caf\udce9" in refusal(tmp_path / "a.tar")
    assert "whose name is not UTF-8" in refusal(tmp_path / "a.tar")


def test_a_name_with_a_null_character_is_refused(tmp_path):
    header = tarfile.TarInfo("a")
    header.pax_headers = {"path": "a\0b"}
    assert r"found the member 'a\x00b', expected a path" in refusal(tar_file(tmp_path / "a.tar.gz", header))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../up", r"C:\up", r"..\..\up", "x/../../../up"])
def test_a_link_that_leaves_is_refused(kind, target, tmp_path):
    message = refusal(tar_file(tmp_path / "a.tar.gz", tar_header("a/link", kind, target), ("a/link/file", b"through it")))
    assert "found the member 'a/link', a link that leads out of the archive" in message


def test_where_a_link_leaves_depends_on_its_kind(tmp_path):
    assert "a link that leads out" in refusal(tar_file(tmp_path / "a.tar.gz", tar_header("a/b", tarfile.LNKTYPE, "../c")))
    assert unpack(tar_file(tmp_path / "a.tar.gz", tar_header("a/b", tarfile.SYMTYPE, "../c"))) == {}


def test_links_inside_are_left_out_with_a_warning(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    path = tar_file(
        tmp_path / "a.tar.gz",
        ("a/1", b"1"),
        tar_header("a/soft", tarfile.SYMTYPE, "../a/1"),
        tar_header("a/hard", tarfile.LNKTYPE, "a/1"),
    )
    assert unpack(path) == {"a/1": b"1"}
    assert caplog.messages == [f"{path}: left out 2 links"]


def test_links_of_zip_files_are_links(tmp_path, caplog):
    modes = {"a/link": stat.S_IFLNK | 0o777}
    path = zip_file(tmp_path / "a.zip", ("a/1", b"1"), ("a/link", b"1"), modes=modes)
    assert unpack(path) == {"a/1": b"1"}
    assert caplog.messages == [f"{path}: left out 1 links"]


@pytest.mark.parametrize("target", [b"/etc/passwd", b"../../up", b"..\\..\\up"])
def test_a_link_of_a_zip_file_that_leaves_is_refused(target, tmp_path):
    path = zip_file(tmp_path / "a.zip", ("a/link", target), modes={"a/link": stat.S_IFLNK | 0o777})
    assert "found the member 'a/link', a link that leads out of the archive" in refusal(path)


def test_a_link_of_a_zip_file_cannot_be_a_bomb(tmp_path):
    path = zip_file(tmp_path / "a.zip", ("link", bytes(10 * MEGABYTE)), modes={"link": stat.S_IFLNK | 0o777})
    assert "a link of 10,000,000 bytes" in refusal(path)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_device_is_refused(kind, tmp_path):
    message = refusal(tar_file(tmp_path / "a.tar.gz", tar_header("dev/null", kind)))
    assert "found the member 'dev/null', a device file or named pipe" in message


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_device_in_a_zip_file_is_refused(kind, tmp_path):
    message = refusal(zip_file(tmp_path / "a.zip", ("dev/null", b""), modes={"dev/null": kind | 0o666}))
    assert "found the member 'dev/null', a device file or named pipe" in message


@every_format
def test_the_stated_size_is_the_limit(build, tmp_path):
    path = build(tmp_path, ("a", bytes(60_000)), ("b", bytes(40_000)))
    assert "unpacks to more than 99,999 bytes" in refusal(path, at_most=99_999)
    assert len(unpack(path, at_most=100_000)) == 2


@every_format
def test_what_is_left_out_counts(build, tmp_path):
    archive = ArchiveFile(build(tmp_path, ("left out", bytes(60_000)), ("b", bytes(40_000))), 99_999)
    with pytest.raises(InputError, match="more than 99,999 bytes"):
        extract(archive, tmp_path / "to", lambda path: "unwanted")


def written_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def gigabyte_of_zeros(path: Path) -> Path:
    """Write a .tar.gz of 1 MB that unpacks to ten files of 100 MiB."""
    block = gzip.compress(bytes(MEBIBYTE), 9)  # gzip files can be joined
    with path.open("wb") as file:
        for number in range(10):
            header = tarfile.TarInfo(f"{number}")
            header.size = 100 * MEBIBYTE
            file.write(gzip.compress(header.tobuf()))
            file.write(block * 100)
        file.write(gzip.compress(bytes(2 * tarfile.BLOCKSIZE)))
    assert path.stat().st_size < 1.2 * MEGABYTE
    return path


def test_a_bomb_stops_at_the_limit(tmp_path):
    archive = ArchiveFile(gigabyte_of_zeros(tmp_path / "a.tar.gz"), 150 * MEBIBYTE)
    with pytest.raises(InputError, match="unpacks to more than 157,286,400 bytes"):
        extract(archive, tmp_path / "to", everything)
    assert written_bytes(tmp_path / "to") == 100 * MEBIBYTE  # the second file would have been too much


def test_a_zip_file_that_is_too_large_in_all_is_refused_before_anything_is_written(tmp_path):
    path = zip_file(tmp_path / "a.zip", *((f"{number}", bytes(1000)) for number in range(10)))
    with pytest.raises(InputError, match="more than 9,999 bytes"):
        extract(ArchiveFile(path, 9_999), tmp_path / "to", everything)
    assert not (tmp_path / "to").exists()


def test_a_zip_file_that_holds_less_than_it_declares_is_refused(tmp_path):
    path = zip_file(tmp_path / "a.zip", ("a", bytes(54_321)))
    path.write_bytes(path.read_bytes().replace((54_321).to_bytes(4, "little"), (60_000).to_bytes(4, "little")))
    assert "'a' has 54321 bytes and declares 60000" in refusal(path)


def test_a_zip_bomb_that_lies_about_its_size_writes_no_more_than_it_declares(tmp_path):
    path = zip_file(tmp_path / "a.zip", ("zeros", bytes(20 * MEGABYTE)))
    lie = path.read_bytes().replace((20 * MEGABYTE).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(lie)
    with pytest.raises(InputError, match="found a broken archive"):
        extract(ArchiveFile(path, MEGABYTE), tmp_path / "to", everything)
    assert written_bytes(tmp_path / "to") <= 1000


def test_a_header_cannot_fill_the_memory(tmp_path):
    header = tar_header("x", tarfile.XHDTYPE)
    header.size = 10**11
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(MEGABYTE))
    assert "a header of 100,000,000,000 bytes" in refusal(tmp_path / "a.tar.gz")


def test_zeros_behind_the_end_of_the_archive_stop_at_the_limit(tmp_path):
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(bytes(2 * tarfile.BLOCKSIZE))
        file.write(bytes(20 * MEGABYTE))
    assert "unpacks to more than 1,000,000 bytes" in refusal(tmp_path / "a.tar.gz", at_most=MEGABYTE)


def test_memory_does_not_grow_with_the_archive(tmp_path):
    archive = ArchiveFile(gigabyte_of_zeros(tmp_path / "a.tar.gz"), 2 * 10**9)
    tracemalloc.start()
    try:
        assert sum(1 for _ in regular_files(archive)) == 10
        assert tracemalloc.get_traced_memory()[1] < 5 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    # All with one name: pathlib interns names, and Python's table of them may grow by megabytes at any moment.
    archive = ArchiveFile(tar_file(tmp_path / "a.tar", *[("a", b"")] * 5000, mode="w"), MEGABYTE)
    tracemalloc.start()
    try:
        assert sum(1 for _ in regular_files(archive)) == 5000
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@every_format
@pytest.mark.parametrize("names", [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
def test_two_members_at_one_place_are_refused(build, names, tmp_path):
    message = refusal(build(tmp_path, *((name, b"") for name in names)))
    assert f"found {str(PurePosixPath(names[1]))!r}, but another member was already written to" in message


def test_a_name_too_long_for_the_system_is_refused(tmp_path):
    assert "(File name too long)" in refusal(tar_file(tmp_path / "a.tar.gz", ("a" * 300, b"")))


@every_format
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_off_archive_is_refused(build, share, tmp_path, random_bytes):
    path = build(tmp_path, *((f"{number}", random_bytes) for number in range(10)))
    os.truncate(path, int(path.stat().st_size * share))
    message = refusal(path)
    assert "found a broken archive" in message
    assert "remove it so that it is downloaded again, or correct `archive:`" in message


def test_an_archive_that_is_cut_off_between_two_members_is_refused(tmp_path):
    path = tar_file(tmp_path / "a.tar", ("a", b"a"), ("b", b"b"), mode="w")
    os.truncate(path, 2 * tarfile.BLOCKSIZE)
    assert "found a broken archive (empty header)" in refusal(path)


def test_a_gzip_file_without_its_last_byte_is_refused(tmp_path, random_bytes):
    path = tar_file(tmp_path / "a.tar.gz", ("a", random_bytes))
    os.truncate(path, path.stat().st_size - 1)
    assert "end-of-stream marker" in refusal(path)


@pytest.mark.parametrize("build", [BUILDERS[0], BUILDERS[2]], ids=["tar.gz", "zip"])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_damaged_byte_is_noticed_in_what_is_left_out_too(build, wanted, tmp_path, random_bytes):
    path = build(tmp_path, *((f"{number}", random_bytes) for number in range(10)))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="found a broken archive"):
        extract(ArchiveFile(path, MEGABYTE), tmp_path / "to", lambda path: path if wanted else "unwanted")


def test_a_wrong_checksum_of_the_gzip_file_is_noticed(tmp_path, random_bytes):
    path = tar_file(tmp_path / "a.tar.gz", ("a", random_bytes))
    damaged = bytearray(path.read_bytes())
    damaged[-8] ^= 1  # CRC and length are its last eight bytes
    path.write_bytes(damaged)
    assert "CRC check failed" in refusal(path)


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    path = tar_file(tmp_path / "a.tar", ("a", b"a"), ("b", b"b"), mode="w")
    damaged = bytearray(path.read_bytes())
    damaged[2 * tarfile.BLOCKSIZE] ^= 1
    path.write_bytes(damaged)
    assert "found a broken archive (bad checksum)" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><title>Quota exceeded</title>", b"PK\3\4", b"\x1f\x8b", b"PK"])
def test_a_file_that_is_no_archive_is_refused(content, tmp_path):
    (tmp_path / "VLCS.tar.gz").write_bytes(content)
    assert "found a broken archive" in refusal(tmp_path / "VLCS.tar.gz")


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(InputError, match=r"VLCS\.tar\.gz: cannot be read \(No such file or directory\), expected an archive"):
        unpack(tmp_path / "VLCS.tar.gz")


def test_an_encrypted_archive_is_refused(tmp_path):
    path = zip_file(tmp_path / "a.zip", ("secret", b"x"))
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag, in the member's header
    content[content.index(b"PK\1\2") + 8] |= 1  # and in the directory
    path.write_bytes(content)
    assert "found the encrypted member 'secret', expected no password" in refusal(path)


def test_no_file_stays_open(tmp_path, monkeypatch):
    opened = []
    original = Path.open

    def recording_open(self, *arguments, **options):
        opened.append(original(self, *arguments, **options))
        return opened[-1]

    monkeypatch.setattr(Path, "open", recording_open)
    path = tar_file(tmp_path / "a.tar.gz", ("a", PHOTOGRAPH), ("../b", b""))
    with pytest.raises(InputError):
        extract(ArchiveFile(path, MEGABYTE), tmp_path / "to", everything)
    assert len(opened) == 2
    assert all(file.closed for file in opened)


PART = st.one_of(
    st.sampled_from(["..", ".", "", "a", "C:", "a\\..", "\\", "~", "\0", "con", "é", "\udce9", " ", "..."]), st.text(max_size=5)
)
NAME = st.lists(PART, min_size=1, max_size=5).map("/".join)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(names=st.lists(NAME, max_size=3), links=st.lists(st.tuples(NAME, NAME), max_size=2), form=st.sampled_from(["tar", "zip"]))
@example(names=["link/../../outside"], links=[], form="tar")
@example(names=["link/outside"], links=[("link", "..")], form="tar")
@example(names=["a\0/../../outside"], links=[], form="tar")
def test_no_name_makes_a_file_outside_the_folder(tmp_path_factory, names, links, form):
    top = tmp_path_factory.mktemp("nasty")
    folder = top / "deep/er/folder"
    folder.mkdir(parents=True)
    archive = top / "archive"
    try:
        if form == "tar":
            entries: list[Entry] = [tar_header(name, tarfile.SYMTYPE, target) for name, target in links]
            tar_file(archive, *entries, *((name, b"content") for name in names))
        else:
            modes = {name: stat.S_IFLNK for name, _ in links}
            zip_file(archive, *((n, t.encode()) for n, t in links), *((name, b"content") for name in names), modes=modes)
    except (ValueError, UnicodeError):  # cannot be written even into an archive
        return
    with contextlib.suppress(InputError):
        extract(ArchiveFile(archive, MEGABYTE), folder, everything)
    outside = {path.relative_to(top).as_posix() for path in top.rglob("*") if folder not in path.parents}
    assert outside == {"archive", "deep", "deep/er", "deep/er/folder"}
    assert not any(path.is_symlink() for path in top.rglob("*"))


# --- archives of <domain>/<class>/<image> -----------------------------------------------------------------------------------


def tree(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_vlcs_from_its_archive(tmp_path, shared_data):
    source = shared_data / "vlcs_subset/VLCS"
    images = [image for folder in sorted(source.glob("*/*")) for image in sorted(folder.glob("*.jpg"))[:2]]
    expected = sorted(image.relative_to(source).as_posix() for image in images)
    with tarfile.open(tmp_path / "VLCS.tar.gz", "w:gz") as tar:
        for image in images:
            tar.add(image, f"VLCS/{image.relative_to(source).as_posix()}")
        for name in ("VLCS/README", "VLCS/.DS_Store", "VLCS/SUN09/car/._1.jpg", "VLCS/SUN09/car/Thumbs.db"):
            tar.addfile(tarfile.TarInfo(name))
    unpack_archives(tmp_path / "data", Section(), images=ArchiveFile(tmp_path / "VLCS.tar.gz", 10**9))
    assert tree(tmp_path / "data") == sorted([*expected, "acquisition.json"])
    assert all((tmp_path / "data" / image.relative_to(source)).read_bytes() == image.read_bytes() for image in images)
    report = json.loads((tmp_path / "data/acquisition.json").read_text())
    assert report == {"images": len(images), "left_out": {"hidden": 2, "not an image": 2}}
    assert len(images) > 20


def test_office_home_loses_its_spaces(tmp_path):
    top = "OfficeHomeDataset_10072016"
    path = zip_file(
        tmp_path / "office_home.zip",
        (f"{top}/Real World/Alarm Clock/00 1.jpg", b"1"),
        (f"{top}/Art/Bike/00001.jpg", b"2"),
        (f"{top}/ImageInfo.csv", b"3"),
        ("__MACOSX/Art/Bike/00001.jpg", b"4"),
    )
    unpack_archives(tmp_path / "data", Section(), images=ArchiveFile(path, MEGABYTE))
    assert tree(tmp_path / "data") == ["Art/Bike/00001.jpg", "Real_World/Alarm_Clock/00 1.jpg", "acquisition.json"]
    report = json.loads((tmp_path / "data/acquisition.json").read_text())
    assert report == {"images": 2, "left_out": {"hidden": 1, "not an image": 1}}


def test_domain_net_from_several_archives(tmp_path):
    archives = {
        domain: ArchiveFile(
            zip_file(tmp_path / f"{domain}.zip", (f"{domain}/zebra/{domain}_1.jpg", b""), ("x.txt", b"")), MEGABYTE
        )
        for domain in ("clipart", "real", "sketch")
    }
    unpack_archives(tmp_path / "data", Section(), **archives)
    expected = [f"{domain}/zebra/{domain}_1.jpg" for domain in ("clipart", "real", "sketch")]
    assert tree(tmp_path / "data") == ["acquisition.json", *expected]
    assert json.loads((tmp_path / "data/acquisition.json").read_text()) == {"images": 3, "left_out": {"not an image": 3}}


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("VLCS/SUN09/car/1.jpg", PurePosixPath("SUN09/car/1.jpg")),
        ("SUN09/car/1.JPEG", PurePosixPath("SUN09/car/1.JPEG")),
        ("car/1.jpg", "not in <domain>/<class>/"),
        ("VLCS/SUN09/car/1.svg", "not an image"),
        ("VLCS/SUN09/car/.1.jpg", "hidden"),
        (".cache/SUN09/car/1.jpg", "hidden"),
        ("__MACOSX/SUN09/car/1.jpg", "hidden"),
    ],
)
def test_destination(member, expected):
    assert destination(PurePosixPath(member)) == expected


def test_an_archive_without_images_is_refused(tmp_path):
    path = zip_file(tmp_path / "VLCS.zip", ("README", b""))
    with pytest.raises(InputError, match=r"VLCS\.zip: found no image, expected …/<domain>/<class>/<image>; take the archive"):
        unpack_archives(tmp_path / "data", Section(), images=ArchiveFile(path, MEGABYTE))
    assert [file.name for file in tmp_path.iterdir()] == ["VLCS.zip"]


def test_two_folders_that_differ_by_a_space_are_refused(tmp_path):
    path = zip_file(tmp_path / "a.zip", ("Real World/Bike/1.jpg", b"1"), ("Real_World/Bike/1.jpg", b"2"))
    with pytest.raises(InputError, match=r"found 'Real_World/Bike/1\.jpg', but another member was already written"):
        unpack_archives(tmp_path / "data", Section(), images=ArchiveFile(path, MEGABYTE))
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]
