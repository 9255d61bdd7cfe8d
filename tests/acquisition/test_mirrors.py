"""An archive from the first of several real servers that gives the expected file."""

import fcntl
import hashlib
import io
import itertools
import json
import logging
import tarfile
from contextlib import ExitStack
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import pytest
from file_server import Served, running_server
from pydantic import ValidationError
from test_download import CHUNK, files_of, kept, unchecked

from align.acquisition.archive_file import Layout
from align.acquisition.archives import Archive, Mirror
from align.acquisition.mirrors import chosen_mirrors
from align.acquisition.obtaining import obtain
from align.acquisition.settings import ArchiveOrigin
from align.errors import InputError
from align.preparation.verification import require_published_images

RANDOM = np.random.default_rng(0)
WEB_PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
PUBLISHED = [("Caltech101", "bird", 2), ("Caltech101", "car", 1), ("SUN09", "bird", 1), ("SUN09", "car", 2)]
BUSY = 503


def paths(pattern="VLCS/{domain}/{label}/{number}.jpg"):
    """Return the paths of the published images."""
    return [
        pattern.format(domain=domain, label=label, number=number) for domain, label, count in PUBLISHED for number in range(count)
    ]


def tar_gz(names, size=2**20):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = size
            tar.addfile(member, io.BytesIO(RANDOM.bytes(size)))
    return file.getvalue()


ARCHIVE, OTHER = tar_gz(paths()), tar_gz(paths())
SAME_SIZE = ARCHIVE[:-100] + bytes(100)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def known(address, content=ARCHIVE, **attributes):
    return Mirror(address, len(content), f"sha256:{sha256(content)}", **attributes)


def busy_after(count, content=ARCHIVE):
    """Return content that is cut off after ``count`` bytes, by a server that is busy from then on."""
    return Served(content, at_most=count, statuses=itertools.chain([None], itertools.repeat(BUSY)))


@pytest.fixture
def servers(monkeypatch):
    """Return three servers that run, each at a port of its own."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("align.acquisition.obtaining.FIRST_WAIT", 0.01)
    monkeypatch.setattr("align.acquisition.obtaining.TIMEOUT", 0.5)
    with ExitStack() as stack:
        yield [stack.enter_context(running_server()) for _ in range(3)]


@pytest.fixture
def dead():
    """Return an address at which nobody listens any more."""
    with running_server() as server:
        address = server.address
    return f"{address}/VLCS.tar.gz"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "downloads/VLCS.tar.gz"


@pytest.fixture
def get(tmp_path, place):
    """Return a function that obtains the archive from mirrors, or from what the configuration says."""

    def get_from(*mirrors, published=(), **origin):
        archive = Archive("VLCS.tar.gz", 10**9, mirrors)
        counts = partial(require_published_images, published=published) if published else None
        return obtain(archive, ArchiveOrigin(**origin), place, tmp_path / "VLCS.tar.gz.sha256", counts)

    return get_from


def message_of(get, *mirrors, **options):
    with pytest.raises(InputError) as error:
        get(*mirrors, **options)
    return str(error.value)


# One mirror after the other


def test_the_first_mirror_that_gives_the_file_is_the_only_one_that_is_asked(servers, get, place):
    first, second = (server.serve("/a", Served(ARCHIVE)) for server in servers[:2])
    obtained = get(known(first), known(second))
    assert (obtained.served_by, obtained.sha256, obtained.path) == (first, sha256(ARCHIVE), place)
    assert servers[1].served["/a"].requests == []
    assert files_of(place) == {"VLCS.tar.gz"}


def test_a_dead_server_leads_on(servers, dead, get, place, caplog):
    address = servers[0].serve("/a", Served(ARCHIVE))
    assert get(known(dead), known(address)).served_by == address
    assert place.read_bytes() == ARCHIVE
    assert caplog.messages[-1].startswith(f"{dead}: gave up after 3 tries in a row without new bytes (")
    assert caplog.messages[-1].endswith(f"; trying {address}")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_leads_on_at_once(status, servers, get, place):
    gone = servers[0].serve("/a", Served(ARCHIVE, statuses=itertools.repeat(status)))
    address = servers[1].serve("/a", Served(ARCHIVE))
    assert get(known(gone), known(address)).served_by == address
    assert len(servers[0].served["/a"].requests) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (SAME_SIZE, "found a gzip file with sha256 "),
        (WEB_PAGE, f"found a web page of {len(WEB_PAGE)} bytes, expected {len(ARCHIVE):,} bytes"),
        (ARCHIVE[:-1], f"found a gzip file of {len(ARCHIVE) - 1:,} bytes"),
    ],
)
def test_another_file_leads_on_and_is_told_and_removed(content, found, servers, get, place, caplog):
    wrong = servers[0].serve("/a", Served(content))
    address = servers[1].serve("/a", Served(ARCHIVE))
    obtained = get(known(wrong), known(address))
    assert obtained.served_by == address
    assert place.read_bytes() == ARCHIVE
    assert f"{wrong}: the downloaded file was removed: " in caplog.text
    assert found in caplog.text
    assert files_of(place) == {"VLCS.tar.gz"}


def test_a_stalled_server_times_out_and_leads_on(servers, get, place, caplog):
    stalled = servers[0].serve("/a", Served(ARCHIVE, at_most=0, stalls=True))
    address = servers[1].serve("/a", Served(ARCHIVE))
    assert get(known(stalled), known(address, layout=Layout())).served_by == address
    assert "Read timed out" in caplog.text
    assert len(servers[0].served["/a"].requests) == 3


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr("align.acquisition.download.SPEED_WINDOW", 0.5)
    monkeypatch.setattr("align.acquisition.obtaining.LEAST_SPEED", 4e6)


def test_a_slow_server_leads_on(servers, hurry, get, place, caplog):
    slow = servers[0].serve("/a", Served(OTHER, pause=0.1))
    address = servers[1].serve("/a", Served(ARCHIVE))
    assert get(Mirror(slow), known(address)).served_by == address
    assert place.read_bytes() == ARCHIVE
    assert f"{slow}: slower than 4,000,000 bytes per second" in caplog.text
    assert files_of(place) == {"VLCS.tar.gz"}


def test_a_slow_server_is_better_than_none_and_its_part_is_kept(servers, hurry, dead, get, place):
    slow = servers[0].serve("/a", served := Served(ARCHIVE, pause=0.05))
    assert get(known(slow), Mirror(dead)).served_by == slow
    assert place.read_bytes() == ARCHIVE
    whole, *_, rest = served.requests
    assert whole.range is None
    assert rest.range and int(rest.range.removeprefix("bytes=").removesuffix("-")) >= CHUNK
    assert files_of(place) == {"VLCS.tar.gz"}


def test_one_address_alone_may_be_slow(servers, hurry, get):
    slow = servers[0].serve("/a", Served(ARCHIVE, pause=0.02))
    assert get(known(slow)).served_by == slow
    assert len(servers[0].served["/a"].requests) == 1


def test_all_dead_is_one_message_with_every_address(servers, dead, get, place):
    gone = servers[0].serve("/a", Served(ARCHIVE, statuses=itertools.repeat(404)))
    wrong = servers[1].serve("/a", Served(OTHER))
    cut = servers[2].serve("/a", busy_after(2 * CHUNK))
    message = message_of(get, known(dead), known(gone), known(wrong), Mirror(cut))
    head, *lines, remedy = message.splitlines()
    assert head == f"{place}: none of 4 addresses gives the expected file"
    assert [line.split(": ")[0].strip() for line in lines] == [dead, gone, wrong, cut]
    assert "gave up after 3 tries in a row without new bytes" in lines[0]
    assert "Connection refused" in lines[0]
    assert "cannot be downloaded (404 Client Error: Not Found" in lines[1]
    assert f"the downloaded file was removed: {unchecked(place, sha256(ARCHIVE))}: found a gzip file " in lines[2]
    assert f"gave up after 8 tries in a row without new bytes (503 Server Error: Service Unavailable for url: {cut})" in lines[3]
    assert f"{2 * CHUNK:,} bytes are kept in {kept(place, cut)}" in lines[3]
    assert remedy == (
        "run again later to try them once more, give another `address:`, or download the file with a browser and name it with "
        "`archive:`"
    )
    assert files_of(place) == {kept(place, cut).name}
    assert not (place.parent.parent / "VLCS.tar.gz.sha256").exists()


def test_a_folder_that_cannot_be_written_is_no_fault_of_a_mirror(servers, get, place):
    place.parent.write_text("not a folder")
    first, second = (server.serve("/a", Served(ARCHIVE)) for server in servers[:2])
    assert message_of(get, known(first), known(second)).startswith(f"{place}: cannot be written (File exists)")
    assert servers[1].served["/a"].requests == []


def test_another_process_that_downloads_is_no_fault_of_a_mirror(servers, get, place):
    first, second = (server.serve("/a", Served(ARCHIVE)) for server in servers[:2])
    place.parent.mkdir()
    with kept(place, sha256(ARCHIVE)).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another process is downloading it" in message_of(get, known(first), known(second))
    assert servers[1].served["/a"].requests == []


# What has arrived


def test_the_same_file_is_resumed_at_another_server(servers, get, place):
    first = servers[0].serve("/a", busy_after(5 * CHUNK))
    second = servers[1].serve("/b", served := Served(ARCHIVE))
    assert get(known(first), known(second)).served_by == second
    assert place.read_bytes() == ARCHIVE
    assert [(request.range, request.sent) for request in served.resumed] == [(f"bytes={5 * CHUNK}-", len(ARCHIVE) - 5 * CHUNK)]
    assert files_of(place) == {"VLCS.tar.gz"}


@pytest.mark.parametrize("content", [OTHER, ARCHIVE], ids=["another file", "a file of which nothing is known"])
def test_another_file_is_never_resumed(content, servers, get, place):
    first = servers[0].serve("/a", busy_after(5 * CHUNK))
    second = servers[1].serve("/a", served := Served(content))
    mirror = known(second, OTHER) if content is OTHER else Mirror(second)
    assert get(known(first), mirror).served_by == second
    assert place.read_bytes() == content
    assert served.resumed == []
    assert files_of(place) == {"VLCS.tar.gz"}


def test_the_parts_of_several_files_stay_until_one_is_whole(servers, get, place):
    first = servers[0].serve("/a", busy_after(5 * CHUNK))
    second = servers[1].serve("/a", busy_after(3 * CHUNK, OTHER))
    message_of(get, known(first), known(second, OTHER))
    parts = {kept(place, sha256(ARCHIVE)): 5 * CHUNK, kept(place, sha256(OTHER)): 3 * CHUNK}
    assert {path: path.stat().st_size for path in parts} == parts
    servers[1].serve("/a", served := Served(OTHER))
    assert get(known(first), known(second, OTHER)).served_by == second
    assert place.read_bytes() == OTHER
    assert [request.range for request in served.resumed] == [f"bytes={3 * CHUNK}-"]
    assert files_of(place) == {"VLCS.tar.gz"}


def test_the_next_call_goes_on_where_a_part_is(servers, dead, get, place):
    second = servers[1].serve("/a", busy_after(5 * CHUNK, OTHER))
    message_of(get, Mirror(dead), known(second, OTHER))
    first = servers[0].serve("/a", Served(ARCHIVE))  # alive now, but most of the other file is here
    servers[1].serve("/a", served := Served(OTHER))
    assert get(known(first), known(second, OTHER)).served_by == second
    assert [request.range for request in served.resumed] == [f"bytes={5 * CHUNK}-"]
    assert servers[0].served["/a"].requests == []


# What is known of a file


def test_a_file_of_which_nothing_is_known_is_read_to_its_end(servers, get, place, caplog):
    caplog.set_level(logging.INFO, "align")
    broken = servers[0].serve("/a", Served(ARCHIVE[:-1000]))
    address = servers[1].serve("/a", Served(ARCHIVE))
    assert get(Mirror(broken), Mirror(address)).served_by == address
    assert "cannot be read to its end" in caplog.text
    assert f"{address}: its size and checksum are unknown; only its content is checked" in caplog.messages


def test_a_mirror_of_another_file_than_the_recorded_one_is_not_asked(servers, get, place):
    first, second = (server.serve("/a", Served(content)) for server, content in zip(servers, (ARCHIVE, OTHER)))
    record = place.parent.parent / "VLCS.tar.gz.sha256"
    record.write_text(f"{sha256(OTHER)}  VLCS.tar.gz\n")
    assert get(known(first), known(second, OTHER)).served_by == second
    assert servers[0].served["/a"].requests == []
    place.unlink()
    servers[1].serve("/a", Served(OTHER, statuses=itertools.repeat(404)))
    message = message_of(get, known(first), known(second, OTHER))
    assert f"{first}: passed over, since its file has the sha256 {sha256(ARCHIVE)}, expected {sha256(OTHER)}" in message


def test_the_mirror_of_the_recorded_file_comes_first(servers, get, place):
    first, second = (server.serve("/a", Served(content)) for server, content in zip(servers, (ARCHIVE, OTHER)))
    (place.parent.parent / "VLCS.tar.gz.sha256").write_text(f"{sha256(OTHER)}  VLCS.tar.gz\n")
    assert get(Mirror(first, digest=f"md5:{hashlib.md5(ARCHIVE).hexdigest()}"), known(second, OTHER)).served_by == second
    assert servers[0].served["/a"].requests == []


def test_a_stated_checksum_chooses_the_mirror(servers, get, place):
    first, second = (server.serve("/a", Served(content)) for server, content in zip(servers, (ARCHIVE, OTHER)))
    assert get(known(first), known(second, OTHER, layout=Layout()), sha256=sha256(OTHER)).served_by == second
    assert servers[0].served["/a"].requests == []


def test_a_configured_address_wins(servers, get):
    first, mine = (server.serve("/a", Served(ARCHIVE)) for server in servers[:2])
    assert get(known(first), address=mine).served_by == mine
    assert servers[0].served["/a"].requests == []


def test_several_configured_addresses_are_tried_in_order_and_resumed_if_a_checksum_is_stated(servers, dead, get, place):
    cut = servers[0].serve("/a", busy_after(5 * CHUNK, OTHER))
    mine = servers[1].serve("/a", served := Served(OTHER))
    public = servers[2].serve("/a", Served(ARCHIVE))
    assert get(known(public), address=[dead, cut, mine], sha256=sha256(OTHER)).served_by == mine
    assert place.read_bytes() == OTHER
    assert [request.range for request in served.resumed] == [f"bytes={5 * CHUNK}-"]
    assert servers[2].served["/a"].requests == []


def test_what_comes_from_a_configured_address_is_one_of_the_published_files(servers, get, place):
    mine = servers[0].serve("/a", Served(OTHER))
    published = known("http://one.example/a")
    layout = Layout(folders=("domain", "split", "class"))
    assert get(published, known("http://two.example/a", OTHER, layout=layout), address=mine).layout == layout
    place.unlink()
    servers[0].serve("/a", Served(WEB_PAGE))
    message = message_of(get, published, known("http://two.example/a", OTHER), address=mine)
    assert message.startswith(f"{mine}: the downloaded file was removed: ")
    assert (
        f"found a web page that is none of 2 files: of {len(WEB_PAGE)} bytes, expected {len(ARCHIVE):,} bytes; of "
        f"{len(WEB_PAGE)} bytes, expected {len(OTHER):,} bytes, as published; take it from elsewhere"
    ) in message


def test_a_file_that_is_there_already_is_recognised(get, place):
    place.parent.mkdir()
    place.write_bytes(OTHER)
    layout = Layout(folders=("domain", "split", "class"))
    obtained = get(known("http://one.example/a"), known("http://two.example/a", OTHER, layout=layout))
    assert (obtained.served_by, obtained.layout) == (None, layout)
    assert obtained == type(obtained).model_validate_json(json.dumps(obtained.model_dump(mode="json")))


def test_the_mirrors_of_an_archive_of_one_s_own_are_none():
    archive = Archive("VLCS.tar.gz", 1, (Mirror("http://one.example/a", 5, "md5:0", Layout()),))
    assert chosen_mirrors(archive, ArchiveOrigin(archive="mine.tar.gz")) == ()
    assert chosen_mirrors(archive, ArchiveOrigin()) == archive.mirrors
    assert chosen_mirrors(archive, ArchiveOrigin(address="http://one.example/a")) == archive.mirrors
    own = Mirror("http://one.example/a", None, f"sha256:{'0' * 64}", Layout())
    assert chosen_mirrors(archive, ArchiveOrigin(address="http://one.example/a", sha256="0" * 64)) == (own,)


@pytest.mark.parametrize("address", [[], "", "ftp://one.example/a", ["http://one.example/a", 5]])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError):
        ArchiveOrigin(address=address)


def test_one_address_is_a_list_of_one():
    assert ArchiveOrigin(address="http://one.example/a") == ArchiveOrigin(address=["http://one.example/a"])


# Layouts


@pytest.mark.parametrize(
    ("layout", "pattern"),
    [
        (Layout(), "{domain}/{label}/{number}.jpg"),
        (Layout(folders=("domain", "split", "class")), "data/{domain}/train/{label}/{number}.jpg"),
        (Layout(folders=("class", "domain")), "{label}/{domain}/{number}.jpg"),
        (Layout(renamed=(("CALTECH", "Caltech101"), ("SUN", "SUN09"))), "x/{domain}/{label}/{number}.jpg"),
    ],
)
def test_a_layout_that_differs_is_checked_by_numbers_of_images(layout, pattern, servers, get):
    names = paths(pattern)
    for renamed, domain in layout.renamed:
        names = [name.replace(domain, renamed) for name in names]
    content = tar_gz([*names, "VLCS/read_me.txt", "VLCS/.hidden/a/b.jpg"], size=10)
    address = servers[0].serve("/a", Served(content))
    obtained = get(known(address, content, layout=layout), published=PUBLISHED)
    assert (obtained.served_by, obtained.layout) == (address, layout)


def test_a_copy_with_other_images_leads_on(servers, get, place, caplog):
    one_less = tar_gz(paths()[1:], size=10)
    nested = tar_gz(paths("VLCS/{domain}/{label}/full/{number}.jpg"), size=10)
    first, second = (server.serve("/a", Served(content)) for server, content in zip(servers, (one_less, nested)))
    address = servers[2].serve("/a", Served(ARCHIVE))
    obtained = get(known(first, one_less, layout=Layout()), Mirror(second, layout=Layout()), known(address), published=PUBLISHED)
    assert obtained.served_by == address
    assert place.read_bytes() == ARCHIVE
    told = [message for message in caplog.messages if "the downloaded file was removed" in message]
    assert (
        "in folders …/<domain>/<class>/ found 5 images, expected 6 as published (1 of 4 numbers differ; the first path is"
        in told[0]
    )
    assert f"to use this file all the same, state its `address:` and its `sha256: {sha256(one_less)}`" in told[0]
    # The classes are taken for domains here, of which nothing is published.
    assert "found 6 images, expected 6 as published (6 of 6 numbers differ; the first path is" in told[1]
    assert "'VLCS/Caltech101/bird/full/0.jpg'" in told[1]
    # Whoever states its checksum gets it.
    place.unlink()
    (place.parent.parent / "VLCS.tar.gz.sha256").unlink()
    taken = get(known(address), address=first, sha256=sha256(one_less), published=PUBLISHED)
    assert taken.served_by == first


@pytest.mark.parametrize(
    ("layout", "member", "place"),
    [
        (Layout(), "Real World/Alarm Clock/1.jpg", ("Real_World", "Alarm_Clock")),
        (Layout(), "a/b/c/d/1.jpg", ("c", "d")),
        (Layout(), "d/1.jpg", None),
        (Layout(), "1.jpg", None),
        (Layout(renamed=(("location_38", "L38"),)), "terra/location_38/cat/1.jpg", ("L38", "cat")),
        (Layout(folders=("class", "split", "domain")), "cat/train/L38/1.jpg", ("L38", "cat")),
        (Layout(folders=("class", "split", "domain")), "train/L38/1.jpg", None),
    ],
)
def test_where_a_path_names_domain_and_class(layout, member, place):
    assert layout.place(PurePosixPath(member)) == place
