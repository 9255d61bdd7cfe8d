"""Obtaining an archive: the user's own file, or a download from the first mirror that gives the expected file."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from align.acquisition.archive_file import ArchiveFile, Layout
from align.acquisition.archives import Archive, Mirror
from align.acquisition.download import OTHER_WAYS, UnavailableError, download, has_arrived
from align.acquisition.integrity import Verified, recorded_sha256, verify_archive
from align.acquisition.mirrors import chosen_mirrors
from align.acquisition.settings import ArchiveOrigin
from align.errors import InputError
from align.settings import Section

LOG = logging.getLogger("align")
PATIENT_TRIES, BRIEF_TRIES = 8, 3  # in a row without new bytes; brief while another mirror is left
LEAST_SPEED = 100_000.0  # bytes per second: 3.8 GB in 11 hours
TIMEOUT, FIRST_WAIT = 60.0, 1.0  # seconds


class ObtainedArchive(Section):
    """A verified archive on this machine.

    Attributes:
        sha256: its SHA-256, hexadecimal.
        path: the file.
        served_by: the address that it was downloaded from, None if the file was there already.
        layout: how its paths name domain and class, None if that is as its publisher has them.
    """

    sha256: str
    path: Path
    served_by: str | None
    layout: Layout | None


def obtain(
    archive: Archive,
    origin: ArchiveOrigin,
    path: Path,
    record: Path,
    require_counts: Callable[[ArchiveFile], None] | None,
) -> ObtainedArchive:
    """Return an archive that is verified. It is downloaded unless the configuration names a file, or ``path`` is there.

    Args:
        archive: the archive.
        origin: where the configuration takes it from.
        path: where it is downloaded to.
        record: the file with its recorded checksum.
        require_counts: checks the numbers of images in an archive whose layout is not its publisher's.

    Raises:
        InputError: the file is not the expected one, or no address gives it. The message says what happened at each address.
    """

    def check_of(mirror: Mirror | None) -> Callable[[Path], Verified]:
        mirrors = [mirror] if mirror and mirror in archive.mirrors else archive.mirrors
        return lambda file: verify_archive(file, archive, mirrors, record, origin.sha256, require_counts)

    if origin.archive or path.exists():
        served_by, path = None, origin.archive or path
        verified = check_of(None)(path)
    else:
        expected = origin.sha256 or (None if origin.address else recorded_sha256(record))
        served_by, verified = download_from_any(chosen_mirrors(archive, origin), path, check_of, expected)
    return ObtainedArchive(sha256=verified.sha256, path=path, served_by=served_by, layout=verified.layout)


def download_from_any(
    mirrors: Sequence[Mirror],
    path: Path,
    check_of: Callable[[Mirror], Callable[[Path], Verified]],
    expected: str | None = None,
) -> tuple[str, Verified]:
    """Download a file from the first of ``mirrors`` that gives it, and return that address and the result of the check.

    A mirror of which an earlier call has left a part comes first, then one whose known SHA-256 is ``expected``. All but the last
    mirror are given up after fewer tries, and when they are slow. If no other gives the file, a slow one is taken as it is.

    Args:
        mirrors: the mirrors to try, in order.
        path: where the file is stored once it has passed the check.
        check_of: returns the check of the file of a mirror.
        expected: SHA-256 of the file if it is stated or recorded. A mirror of another known SHA-256 is passed over.

    Raises:
        InputError: no mirror gives the file, or the file cannot be written.
    """

    def rank(mirror: Mirror) -> tuple[bool, bool]:
        is_expected = expected is not None and mirror.sha256 == expected
        return not has_arrived(path, mirror.address, mirror.sha256), not is_expected

    queue = deque(sorted(mirrors, key=rank))
    given_up: set[Mirror] = set()  # because they were slow
    failures: dict[str, UnavailableError] = {}
    while queue:
        mirror = queue.popleft()
        if expected and mirror.sha256 not in (None, expected):
            reason = f"passed over, since its file has the sha256 {mirror.sha256}, expected {expected} as stated or recorded"
            failures[mirror.address] = UnavailableError(mirror.address, reason)
            continue
        if not mirror.is_known:
            LOG.info("%s: its size and checksum are unknown; only its content is checked", mirror.address)
        is_last = not queue or mirror in given_up
        try:
            verified = download(
                mirror.address,
                path,
                check_of(mirror),
                content=mirror.sha256,
                attempts=PATIENT_TRIES if is_last else BRIEF_TRIES,
                first_wait=FIRST_WAIT,
                timeout=TIMEOUT,
                least_speed=0.0 if is_last else LEAST_SPEED,
            )
        except UnavailableError as error:
            failures[mirror.address] = error
            if error.slow:
                given_up.add(mirror)
                queue.append(mirror)
            if queue:
                LOG.warning("%s: %s; trying %s", mirror.address, error.reason, queue[0].address)
        else:
            return mirror.address, verified
    raise _no_mirror(path, failures)


def _no_mirror(path: Path, failures: dict[str, UnavailableError]) -> InputError:
    if len(failures) == 1:
        return next(iter(failures.values()))
    lines = [f"  {address}: {error.reason}" for address, error in failures.items()]
    return InputError(
        f"{path}: none of {len(failures)} addresses gives the expected file\n"
        + "\n".join(lines)
        + f"\nrun again later to try them once more, {OTHER_WAYS}"
    )
