"""Downloads from a real server, with and without its faults, and the check that an archive is the expected one."""

import gzip
import hashlib
import io
import itertools
import logging
import re
import resource
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import numpy as np
import pytest
import requests
from file_server import Served, running_server

from align.acquisition.archives import Archive, Mirror
from align.acquisition.download import download
from align.acquisition.integrity import verify_archive
from align.errors import InputError

MEBIBYTE = 2**20
CHUNK = MEBIBYTE // 2  # gdown keeps whole chunks only
RANDOM = np.random.default_rng(0)
BYTES = RANDOM.bytes(4 * MEBIBYTE)
WEB_PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
DOWNLOAD = """
import sys
from pathlib import Path
from align.acquisition.download import download
download(sys.argv[1], Path(sys.argv[2]), print)
"""


def tar_gz(content):
    file = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        member = tarfile.TarInfo("VLCS/Caltech101/bird/1.jpg")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("PACS/photo/dog/1.jpg", content)
    return file.getvalue()


TAR_GZ, OTHER_TAR_GZ = tar_gz(BYTES), tar_gz(BYTES[::-1])
ZIP = zipped(BYTES[:MEBIBYTE])


def md5(content):
    return hashlib.md5(content).hexdigest()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def all_day_server():
    with running_server() as server:
        yield server


@pytest.fixture
def server(all_day_server, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    all_day_server.served.clear()
    return all_day_server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "downloads" / "VLCS.tar.gz"


def accept(path):
    """Accept any file."""


def fetch(address, path, check=accept, attempts=3, timeout=10):
    download(address, path, check, attempts=attempts, first_wait=0.01, timeout=timeout)


def files_of(path):
    """Return the names of the files in the folder of ``path``, hidden ones too."""
    return {file.name for file in path.parent.iterdir()} if path.parent.is_dir() else set()


def message_of(*arguments, **options):
    with pytest.raises(InputError) as error:
        fetch(*arguments, **options)
    return str(error.value)


def unchecked(path, address):
    return path.with_name(f".{path.name}.{hashlib.sha256(address.encode()).hexdigest()[:8]}")


def kept(path, address):
    return path.with_name(f"{unchecked(path, address).name}-arrived.part")


def only_this(path):
    return files_of(path) == {path.name}


# Servers that give the file, at once or after some tries


def test_a_plain_download_is_one_request_and_one_file(server, path):
    address = server.serve("/a", served := Served(BYTES))
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert [(request.range, request.sent) for request in served.requests] == [(None, len(BYTES))]


def test_the_file_is_as_readable_as_any_other(server, path):
    fetch(server.serve("/a", Served(b"a")), path)
    other = path.with_name("other")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_slow_but_steady_is_one_try_with_lines_that_say_how_far(server, path, caplog, monkeypatch):
    monkeypatch.setattr("align.acquisition.download.SECONDS_BETWEEN_LINES", 0.1)
    monkeypatch.setattr("align.acquisition.download.SHARE_BETWEEN_LINES", 2)  # by time alone
    caplog.set_level(logging.INFO, "align")
    address = server.serve("/a", served := Served(BYTES, pause=0.01))
    fetch(address, path, timeout=0.5)  # the whole takes longer than the time-out
    assert path.read_bytes() == BYTES
    assert len(served.requests) == 1
    lines = [
        re.fullmatch(r"VLCS.tar.gz: ([\d,]+) of 4,194,304 bytes, ([\d.]+) MB/s, (\d+) s left", line) for line in caplog.messages
    ]
    assert len(lines) >= 3
    assert all(lines)
    so_far = [int(line[1].replace(",", "")) for line in lines]
    assert so_far == sorted(set(so_far))
    assert all(0 < float(line[2]) <= 64 / 1024 / 0.01 * 1.05 for line in lines)


def test_a_line_for_each_twentieth_of_a_fast_download(server, path, caplog):
    caplog.set_level(logging.INFO, "align")
    fetch(server.serve("/a", Served(BYTES)), path)
    assert [line.split(":")[1].split(" of ")[0] for line in caplog.messages] == [f" {n * CHUNK:,}" for n in range(1, 9)]


def test_cut_off_in_the_middle_only_the_rest_is_sent(server, path, caplog):
    address = server.serve("/a", served := Served(BYTES, at_most=5 * CHUNK))
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert [(request.range, request.status, request.sent) for request in served.resumed] == [
        (f"bytes={5 * CHUNK}-", 206, len(BYTES) - 5 * CHUNK)
    ]
    (line,) = caplog.messages
    assert f"received {5 * CHUNK} bytes but the server announced {len(BYTES)} bytes" in line
    assert f"{5 * CHUNK:,} bytes are kept in {kept(path, address)}; try 1 of 3 in 0.01 s" in line


def test_cut_off_more_often_than_there_are_tries_but_always_further(server, path):
    address = server.serve("/a", served := Served(BYTES, at_most=CHUNK))
    fetch(address, path, attempts=2)
    assert path.read_bytes() == BYTES
    assert [request.range for request in served.resumed] == [f"bytes={n * CHUNK}-" for n in range(1, 8)]


def test_a_server_that_stalls_is_left_and_resumed(server, path, caplog):
    address = server.serve("/a", served := Served(BYTES, at_most=5 * CHUNK, stalls=True))
    fetch(address, path, timeout=0.2)
    assert path.read_bytes() == BYTES
    assert [request.sent for request in served.resumed] == [len(BYTES) - 5 * CHUNK]
    assert "Read timed out" in caplog.text


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_longer_and_longer(status, server, path, caplog):
    address = server.serve("/a", Served(BYTES, statuses=iter([status, status])))
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert [line.partition("; try ")[2] for line in caplog.messages] == ["2 of 3 in 0.01 s", "3 of 3 in 0.02 s"]
    assert all(
        line.startswith(f"{address}: {status} Server Error" if status >= 500 else f"{address}: {status}")
        for line in caplog.messages
    )


def test_one_busy_moment_does_not_cost_what_has_arrived(server, path):
    address = server.serve("/a", served := Served(BYTES, at_most=5 * CHUNK, statuses=iter([None, None, 503])))
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert [(request.range, request.status) for request in served.resumed] == [
        (f"bytes={5 * CHUNK}-", 503),
        (f"bytes={5 * CHUNK}-", 206),
    ]


def test_without_ranges_a_cut_off_download_starts_anew(server, path):
    address = server.serve("/a", served := Served(BYTES, ranges=False, at_most=5 * CHUNK))
    message = message_of(address, path, attempts=5)
    assert "gave up after 5 tries in a row without new bytes" in message
    served.at_most = None
    fetch(address, path, attempts=5)
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert served.requests[-1].range is None


def test_a_killed_download_is_resumed_by_the_next_process(server, path):
    address = server.serve("/a", served := Served(BYTES, pause=0.02))
    command = [sys.executable, "-c", DOWNLOAD, address, str(path)]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 10
        while not (kept(path, address).exists() and kept(path, address).stat().st_size >= 2 * CHUNK):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(InputError, match="another process is downloading it"):
            fetch(address, path)
        process.send_signal(signal.SIGKILL)
    size = kept(path, address).stat().st_size
    assert 2 * CHUNK <= size < len(BYTES)
    assert files_of(path) == {kept(path, address).name}
    served.pause = 0
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{unchecked(path, address)}\n"  # was checked before it got its name
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert [(request.range, request.sent) for request in served.resumed] == [(f"bytes={size}-", len(BYTES) - size)]


def test_a_process_killed_while_it_checked_does_not_download_again(server, path):
    path.parent.mkdir()
    address = server.serve("/a", served := Served(BYTES))
    unchecked(path, address).write_bytes(BYTES)
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert served.requests == []


# Servers that do not give the file


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final_at_once(status, server, path):
    address = server.serve("/a", served := Served(BYTES, statuses=itertools.repeat(status)))
    message = message_of(address, path)
    assert message.startswith(f"{address}: cannot be downloaded ({status} Client Error")
    assert message.endswith("give another `address:`, or download the file with a browser and name it with `archive:`")
    assert len(served.requests) == 1
    assert files_of(path) == set()


def test_a_server_that_stays_busy_is_given_up_and_what_arrived_is_kept(server, path):
    address = server.serve(
        "/a", served := Served(BYTES, at_most=5 * CHUNK, statuses=itertools.chain([None], itertools.repeat(503)))
    )
    message = message_of(address, path)
    assert (
        f"gave up after 3 tries in a row without new bytes (503 Server Error: Service Unavailable for url: {address})" in message
    )
    assert f"{5 * CHUNK:,} bytes are kept in {kept(path, address)}; run again to resume" in message
    assert len(served.requests) == 4
    assert files_of(path) == {kept(path, address).name}
    assert kept(path, address).read_bytes() == BYTES[: 5 * CHUNK]


def test_nobody_listens(path):
    message = message_of("http://127.0.0.1:9/a", path)
    assert "gave up after 3 tries in a row" in message
    assert "Connection refused" in message
    assert files_of(path) == set()


def test_an_address_that_is_none(path):
    assert "http://: cannot be downloaded (Invalid URL" in message_of("http://", path)
    assert files_of(path) == set()


def test_a_server_that_announces_more_than_it_has(server, path):
    address = server.serve("/a", Served(BYTES, announced_too_many=10))
    message = message_of(address, path)
    assert f"received {len(BYTES)} bytes but the server announced {len(BYTES) + 10} bytes" in message
    assert files_of(path) == {kept(path, address).name}


def test_a_folder_that_cannot_be_written(server, path):
    path.parent.write_text("not a folder")
    message = message_of(server.serve("/a", Served(BYTES)), path)
    assert message.startswith(f"{path}: cannot be written (File exists), expected a folder with room for it")
    assert path.parent.read_text() == "not a folder"


def test_a_full_disk_keeps_what_has_arrived(server, path):
    address = server.serve("/a", served := Served(BYTES))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 * CHUNK, limits[1]))
    try:
        message = message_of(address, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message.startswith(f"{path}: cannot be written (File too large), expected a folder with room for it")
    assert files_of(path) == {kept(path, address).name}
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert [request.range for request in served.resumed] == [f"bytes={5 * CHUNK}-"]


# Google Drive, played by this server


@pytest.fixture
def drive(server, monkeypatch):
    get = requests.Session.get

    def get_here(session, url, **options):
        return get(session, re.sub(r"https://drive(\.usercontent)?\.google\.com", server.address, url), **options)

    monkeypatch.setattr(requests.Session, "get", get_here)
    return "https://drive.google.com/uc?id=1skwblH1_okBwxWxmRsp9_qi15hyPpxg8"


def test_large_files_of_drive_come_after_a_form_and_resume(server, drive, path):
    form = (
        b'<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">'
        b'<input type="hidden" name="id" value="1skwblH1"><input type="hidden" name="confirm" value="t"></form>'
    )
    server.serve("/uc", Served(form))
    headers = {"Content-Disposition": 'attachment; filename="Other name.tar.gz"'}
    server.serve("/download", served := Served(BYTES, at_most=5 * CHUNK, headers=headers))
    fetch(drive, path)
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert [(request.range, request.sent) for request in served.resumed] == [(f"bytes={5 * CHUNK}-", len(BYTES) - 5 * CHUNK)]


def test_too_many_downloads_of_drive_are_final_at_once(server, drive, path):
    server.serve(
        "/uc", served := Served(b'<p class="uc-error-subcaption">Too many users have downloaded this file recently.</p>')
    )
    message = message_of(drive, path)
    assert message.startswith(f"{drive}: cannot be downloaded (Failed to retrieve file url: Too many users have downloaded")
    assert "\n" not in message
    assert len(served.requests) == 1
    assert files_of(path) == set()


# Files that are not the expected ones


@pytest.fixture
def checked(tmp_path):
    """Return a function that makes the check for an archive with the given size, digest or stated checksum."""
    record = tmp_path / "checksums" / "VLCS.tar.gz.sha256"

    def check_of(stated_sha256=None, file="VLCS.tar.gz", **known):
        archive = Archive(file, 10**9, (Mirror("https://example.org/", **known),))
        return lambda path: verify_archive(path, archive, archive.mirrors, record, stated_sha256).sha256

    check_of.record = record
    return check_of


@pytest.mark.parametrize(
    ("content", "known", "found"),
    [
        (
            TAR_GZ,
            {"digest": f"md5:{md5(BYTES)}"},
            f"found a gzip file with md5 {md5(TAR_GZ)}, expected {md5(BYTES)}, as published",
        ),
        (TAR_GZ, {"digest": f"sha256:{sha256(BYTES)}"}, f"sha256 {sha256(TAR_GZ)}, expected {sha256(BYTES)}, as published"),
        (TAR_GZ, {"size": 1_000_000}, f"found a gzip file of {len(TAR_GZ):,} bytes, expected 1,000,000 bytes, as published"),
        (TAR_GZ, {"stated_sha256": sha256(ZIP)}, f"expected {sha256(ZIP)}, as `sha256:` in the configuration"),
        (WEB_PAGE, {"size": 1_000_000}, "found a web page of 48 bytes, expected 1,000,000 bytes"),
        (WEB_PAGE, {"digest": f"md5:{md5(TAR_GZ)}"}, f"found a web page with md5 {md5(WEB_PAGE)}"),
        (WEB_PAGE, {}, "found a web page that cannot be read to its end"),
        (
            WEB_PAGE,
            {"file": "PACS.zip"},
            "found a web page that cannot be read to its end",
        ),
        (TAR_GZ[:-100], {}, "found a gzip file that cannot be read to its end"),
        (TAR_GZ[:2000] + b"?" + TAR_GZ[2001:], {}, "found a gzip file that cannot be read to its end"),
        (
            ZIP[:2000] + b"?" + ZIP[2001:],
            {"file": "PACS.zip"},
            "found a broken archive (Bad CRC-32 for file 'PACS/photo/dog/1.jpg')",
        ),
        (b"", {}, "found a file of another kind that cannot be read to its end"),
    ],
)
def test_what_fails_the_check_is_removed_and_not_recorded(content, known, found, server, path, checked):
    address = server.serve("/a", Served(content))
    message = message_of(address, path, checked(**known))
    assert message.startswith(f"{address}: the downloaded file was removed: {unchecked(path, address)}: found ")
    assert found in message
    assert "\n" not in message
    assert files_of(path) == set()
    assert not checked.record.parent.exists()


def test_a_file_that_is_another_one_for_the_next_process_is_noticed(server, path, checked):
    changed = OTHER_TAR_GZ.ljust(len(TAR_GZ), b"\0")
    address = server.serve(
        "/a", served := Served(TAR_GZ, at_most=5 * CHUNK, statuses=itertools.chain([None], itertools.repeat(503)))
    )
    message_of(address, path, checked())
    served.content, served.at_most, served.statuses = changed, None, iter(())
    assert "cannot be read to its end" in message_of(address, path, checked())
    assert files_of(path) == set()
    assert served.resumed[-1].status == 206  # spliced
    fetch(address, path, checked())
    assert path.read_bytes() == changed


def test_what_came_from_another_address_is_not_continued(server, path):
    other = server.serve(
        "/other", Served(BYTES[::-1], at_most=5 * CHUNK, statuses=itertools.chain([None], itertools.repeat(503)))
    )
    message_of(other, path)
    assert files_of(path) == {kept(path, other).name}
    address = server.serve("/a", served := Served(BYTES))
    fetch(address, path)
    assert path.read_bytes() == BYTES
    assert only_this(path)
    assert served.resumed == []


def test_a_file_that_has_become_shorter_than_what_has_arrived(server, path):
    address = server.serve("/a", served := Served(BYTES[:CHUNK]))
    path.parent.mkdir()
    kept(path, address).write_bytes(BYTES)
    fetch(address, path)
    assert path.read_bytes() == BYTES[:CHUNK]
    assert [request.status for request in served.resumed] == [416, 416]


def test_the_first_checksum_is_recorded_and_enforced(server, path, checked):
    address = server.serve("/a", served := Served(TAR_GZ))
    fetch(address, path, checked())
    assert checked.record.read_text() == f"{sha256(TAR_GZ)}  VLCS.tar.gz\n"
    subprocess.run(["sha256sum", "--check", "--quiet", checked.record], cwd=path.parent, check=True)
    served.content = OTHER_TAR_GZ
    path.unlink()
    message = message_of(address, path, checked())
    assert f"sha256 {sha256(OTHER_TAR_GZ)}, expected {sha256(TAR_GZ)}, as recorded at the first download" in message
    assert message.endswith(f"if the change is intended, remove {checked.record}")
    assert files_of(path) == set()
    checked.record.unlink()
    fetch(address, path, checked())
    assert checked.record.read_text() == f"{sha256(OTHER_TAR_GZ)}  VLCS.tar.gz\n"


@pytest.mark.parametrize(
    "known", [{}, {"size": len(TAR_GZ)}, {"digest": f"md5:{md5(TAR_GZ)}"}, {"digest": f"sha256:{sha256(TAR_GZ)}"}]
)
def test_what_passes_is_recorded_whatever_is_known(known, tmp_path, checked):
    archive = tmp_path / "mine.tar.gz"
    archive.write_bytes(TAR_GZ)
    for _ in range(2):
        assert checked(**known)(archive) == sha256(TAR_GZ)
        assert checked.record.read_text() == f"{sha256(TAR_GZ)}  VLCS.tar.gz\n"


def test_a_whole_zip_is_recorded(tmp_path, checked):
    archive = tmp_path / "mine.zip"
    archive.write_bytes(ZIP)
    assert checked(file="PACS.zip")(archive) == sha256(ZIP)
    assert checked.record.read_text() == f"{sha256(ZIP)}  PACS.zip\n"


def test_a_record_enforces_beside_the_table_and_a_stated_checksum_replaces_both(tmp_path, checked):
    archive = tmp_path / "mine.tar.gz"
    archive.write_bytes(TAR_GZ)
    checked.record.parent.mkdir()
    checked.record.write_text(f"{sha256(ZIP)}  VLCS.tar.gz\n")
    with pytest.raises(InputError, match=f"expected {sha256(ZIP)}, as recorded at the first download"):
        checked(digest=f"md5:{md5(TAR_GZ)}")(archive)
    assert archive.read_bytes() == TAR_GZ  # the user's own file stays
    assert checked(sha256(TAR_GZ), size=1, digest=f"md5:{md5(ZIP)}")(archive) == sha256(TAR_GZ)
    assert checked.record.read_text() == f"{sha256(ZIP)}  VLCS.tar.gz\n"


@pytest.mark.parametrize("content", ["", "<<<<<<< HEAD\n", f"{sha256(TAR_GZ)}\n", f"{sha256(TAR_GZ).upper()}  VLCS.tar.gz\n"])
def test_a_record_that_is_none(content, tmp_path, checked):
    archive = tmp_path / "mine.tar.gz"
    archive.write_bytes(TAR_GZ)
    checked.record.parent.mkdir()
    checked.record.write_text(content)
    with pytest.raises(InputError) as error:
        checked()(archive)
    assert str(error.value) == f"{checked.record}: found {content!r}, expected `<sha256>  <file name>`; restore or remove it"


def test_a_record_that_is_none_costs_no_second_download(server, path, checked):
    checked.record.parent.mkdir()
    checked.record.write_text("")
    address = server.serve("/a", served := Served(TAR_GZ))
    assert message_of(address, path, checked()).startswith(f"{checked.record}: found ''")
    assert files_of(path) == {unchecked(path, address).name}
    checked.record.unlink()
    fetch(address, path, checked())
    assert only_this(path)
    assert len(served.requests) == 1


def test_an_archive_that_is_not_there(tmp_path, checked):
    with pytest.raises(InputError) as error:
        checked()(tmp_path / "VLCS.tar.gz")
    expected = "found no such file, expected the archive VLCS.tar.gz; correct its path in the configuration"
    assert str(error.value) == f"{tmp_path / 'VLCS.tar.gz'}: {expected}"
