"""Safe extraction of archives: an archive is read once, as a stream, and each of its members is checked.

This module does not use ``extractall`` of Python's readers. It writes regular files itself, and never makes links, devices,
owners, modes or times. So the most that an archive can do is to write bytes to files whose paths the caller has chosen.
``tarfile``'s own ``data_filter`` is no substitute: it knows no zip files, accepts paths of Windows and names that are not
UTF-8, and shortens an absolute path instead of refusing it.
"""

import gzip
import logging
import lzma
import posixpath
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Literal, NamedTuple, Self

from align.acquisition.archive_file import ArchiveFile
from align.errors import InputError

LOG = logging.getLogger("align")

CHUNK_BYTES = 64 * 1024
LINK_BYTES = 4096  # the longest path that Linux resolves
HEADER_BYTES = 1024**2  # tarfile reads a whole extended header into memory
EXTENDED_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
ADVICE = "nothing was extracted; take the archive from its publisher"

# The errors that Python's readers raise when an archive is broken or cut off.
READER_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


Kind = Literal["file", "folder", "link", "special"]


class Extracted(NamedTuple):
    """The number of files that were written, and the number of files that were left out, by reason."""

    written: int
    left_out: Counter[str]


class _Member(NamedTuple):
    name: str
    kind: Kind
    size: int
    open: Callable[[], IO[bytes]]
    link: str  # the target of a link, as a path from the archive's top


def extract(archive: ArchiveFile, folder: Path, destination: Callable[[PurePosixPath], PurePosixPath | str]) -> Extracted:
    """Write the wanted files of an archive to a folder, in one pass over the archive.

    Args:
        archive: the archive to read.
        folder: the folder to write to. After an error it is incomplete, so use :func:`align.files.whole_folder`.
        destination: gets a member's path and returns its path below ``folder``, or, as a string, the reason to leave it out.

    Raises:
        InputError: see :func:`regular_files`; or two members have the same destination; or a file cannot be written.
    """
    written, left_out = 0, Counter[str]()
    with closing(regular_files(archive)) as files:
        for path, chunks in files:
            target = destination(path)
            if isinstance(target, str):
                left_out[target] += 1
            else:
                _write(archive.path, path, folder / target, chunks)
                written += 1
    return Extracted(written, left_out)


def regular_files(archive: ArchiveFile) -> Generator[tuple[PurePosixPath, Iterator[bytes]]]:
    """Yield the path of every regular file of an archive, and its content in chunks. The caller need not read the content.

    Raises:
        InputError: the archive is broken or encrypted; it unpacks to more than ``unpacked_at_most`` bytes; a member has an
            absolute path, a path with ``..`` or a name that is not UTF-8; a link leads out of the archive; or a member is a
            device file or a named pipe.
    """
    unpacked, links = 0, 0
    with _intact(archive.path), closing(_members(archive)) as members:
        for member in members:
            path = _safe_path(archive.path, member)
            links += member.kind == "link"
            if member.kind == "file":
                unpacked += member.size
                _require_within(archive, unpacked)
                with closing(_chunks(archive.path, member)) as chunks:
                    yield path, chunks
                    for _ in chunks:  # read what the caller has not read: its bytes count, and its checksum is checked
                        pass
    if links:
        LOG.warning("%s: left out %d links", archive.path, links)


def _write(archive: Path, member: PurePosixPath, path: Path, chunks: Iterator[bytes]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.writelines(chunks)
    except FileExistsError:
        raise InputError(
            f"{archive}: found {str(member)!r}, but another member was already written to {path}; {ADVICE}"
        ) from None
    except OSError as error:
        raise InputError(
            f"{archive}: could not write {str(member)!r} to {path} ({error.strerror}); free space or correct the archive"
        ) from error


def _safe_path(archive: Path, member: _Member) -> PurePosixPath:
    """Return the member's path. On no operating system does it lead out of a folder.

    Raises:
        InputError: the member is refused; see :func:`regular_files`.
    """
    path = PurePosixPath(member.name)
    found = f"{archive}: found the member {member.name!r}"
    try:
        member.name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{found}, whose name is not UTF-8; {ADVICE}") from None
    if _leads_out(member.name) or "\0" in member.name or (member.kind == "file" and not path.name):
        raise InputError(f"{found}, expected a path that stays in the target folder; {ADVICE}")
    if member.kind == "link" and _leads_out(posixpath.normpath(member.link)):
        raise InputError(f"{found}, a link that leads out of the archive (to {member.link!r}); {ADVICE}")
    if member.kind == "special":
        raise InputError(f"{found}, a device file or named pipe, expected files and folders; {ADVICE}")
    return path


def _leads_out(path: str) -> bool:
    windows = PureWindowsPath(path)  # splits at / and at \, and knows drives
    return path.startswith("/") or bool(windows.anchor) or ".." in windows.parts


def _require_within(archive: ArchiveFile, unpacked: int) -> None:
    if unpacked > archive.unpacked_at_most:
        raise InputError(
            f"{archive.path}: found an archive that unpacks to more than {archive.unpacked_at_most:,} bytes, its limit; {ADVICE}"
        )


def _chunks(archive: Path, member: _Member) -> Generator[bytes]:
    unpacked = 0
    with _intact(archive), member.open() as content:
        while chunk := content.read(CHUNK_BYTES):
            unpacked += len(chunk)
            yield chunk
        if unpacked != member.size:
            raise EOFError(f"{member.name!r} has {unpacked} bytes and declares {member.size}")


def _members(archive: ArchiveFile) -> Generator[_Member]:
    with archive.path.open("rb") as file:
        magic = file.read(2)
        file.seek(0)
        if magic == b"PK":
            yield from _zip_members(archive, file)
        elif magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _tar_members(archive, unpacked)
        else:
            yield from _tar_members(archive, file)


class _Header(tarfile.TarInfo):
    """A header whose damage is an error. ``TarFile.next`` takes a damaged header for the end and silently drops the rest."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in EXTENDED_HEADERS and header.size > HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")
        return header

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # an empty block ends an archive
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _tar_members(archive: ArchiveFile, stream: IO[bytes] | gzip.GzipFile) -> Iterator[_Member]:
    # The mode "r|" never goes backwards in the stream, whatever sizes the headers claim.
    with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES, tarinfo=_Header, encoding="utf-8") as tar:
        while header := tar.next():
            tar.members.clear()  # type: ignore[attr-defined]  # tarfile keeps them all, to go backwards
            link = header.linkname if header.islnk() else _beside(header.name, header.linkname)
            yield _Member(header.name, _tar_kind(header), header.size, partial(_tar_content, tar, header), link)
    # gzip checks its checksum at the end of the file, which lies behind the end of the archive: read on to there.
    behind = -tarfile.RECORDSIZE  # an archive is padded to a whole record, which is no content
    while chunk := stream.read(CHUNK_BYTES):
        behind += len(chunk)
        _require_within(archive, behind)


def _tar_kind(header: tarfile.TarInfo) -> Kind:
    if header.isfile():
        return "file"
    if header.isdir():
        return "folder"
    return "link" if header.issym() or header.islnk() else "special"


def _tar_content(tar: tarfile.TarFile, header: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(header)
    assert content is not None, "only regular files are opened"
    return content


def _zip_members(archive: ArchiveFile, file: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as zip_file:
        _require_within(archive, sum(info.file_size for info in zip_file.infolist()))
        for info in zip_file.infolist():
            if info.flag_bits & 1:
                raise InputError(f"{archive.path}: found the encrypted member {info.filename!r}, expected no password; {ADVICE}")
            kind = _zip_kind(info)
            link = _beside(info.filename, _zip_link(zip_file, info)) if kind == "link" else ""
            yield _Member(info.filename, kind, info.file_size, partial(zip_file.open, info), link)


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16  # the mode of Unix; 0 if the archive was made on another system
    if info.filename.endswith("/") or stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "special"


def _zip_link(zip_file: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Return the target of a link, which a zip file stores as the link's content."""
    if info.file_size > LINK_BYTES:
        raise zipfile.BadZipFile(f"{info.filename!r} is a link of {info.file_size:,} bytes")
    return zip_file.read(info).decode()


def _beside(name: str, link: str) -> str:
    """Return the target of the symbolic link ``name`` as a path from the archive's top."""
    return (PureWindowsPath(name).parent / link).as_posix()


@contextmanager
def _intact(archive: Path) -> Iterator[None]:
    """Turn any error of Python's readers into one message that names the archive."""
    try:
        yield
    except InputError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{archive}: cannot be read ({error.strerror}), expected an archive; correct `archive:`") from None
    except READER_ERRORS as error:
        raise InputError(
            f"{archive}: found a broken archive ({str(error) or type(error).__name__}), expected a whole .tar, .tar.gz or .zip "
            "file; remove it so that it is downloaded again, or correct `archive:`"
        ) from error
