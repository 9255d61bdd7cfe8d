"""What is taken out of an archive: read once as a stream, checked member by member, written by ourselves.

``extractall`` is not used. Links, devices, owners, modes and times are never made, so an archive can at most write the bytes
of regular files where the caller places them.
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

from align.errors import InputError

LOG = logging.getLogger("align")

CHUNK_BYTES = 64 * 1024
LINK_BYTES = 4096  # the longest path that Linux resolves
HEADER_BYTES = 1024**2  # tarfile reads extended headers into memory as a whole
EXTENDED_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
ADVICE = "nothing was extracted; take the archive from its publisher"

# What Python's readers raise on bytes that are not a whole archive.
BROKEN = (
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


class ArchiveFile(NamedTuple):
    """A ``.tar``, ``.tar.gz`` or ``.zip`` file on this machine.

    Attributes:
        path: the file; its content, not its name, tells which of the three it is.
        unpacked_at_most: bytes that its content may have; more is refused.
    """

    path: Path
    unpacked_at_most: int


class Extracted(NamedTuple):
    """How many files were written, and how many were left out for each reason."""

    written: int
    left_out: Counter[str]


class _Member(NamedTuple):
    name: str
    kind: Kind
    size: int
    open: Callable[[], IO[bytes]]
    link: str  # where a link leads, seen from the archive's top


def extract(archive: ArchiveFile, folder: Path, place: Callable[[PurePosixPath], PurePosixPath | str]) -> Extracted:
    """Write the wanted files of an archive, going through it once.

    Args:
        archive: what is read.
        folder: what is written to; after an error it holds a part, so use :func:`align.files.whole_folder`.
        place: from a member's path to its path below ``folder``, or to the reason why it is left out.

    Raises:
        InputError: see :func:`regular_files`; two files at the same place; a file that cannot be written.
    """
    written, left_out = 0, Counter[str]()
    with closing(regular_files(archive)) as files:
        for path, chunks in files:
            target = place(path)
            if isinstance(target, str):
                left_out[target] += 1
            else:
                _write(archive.path, path, folder / target, chunks)
                written += 1
    return Extracted(written, left_out)


def regular_files(archive: ArchiveFile) -> Generator[tuple[PurePosixPath, Iterator[bytes]]]:
    """Yield path and content, in chunks, of every regular file of an archive; content that is not asked for is skipped.

    Raises:
        InputError: a broken or encrypted archive; a member with an absolute path, with ``..`` or with a name that is not UTF-8;
            a link that leads out of the archive; a device file or named pipe; more bytes than ``unpacked_at_most``.
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
                    for _ in chunks:  # bytes that are left out count too, and their checksums
                        pass
    if links:
        LOG.warning("%s: left out %d links", archive.path, links)


def _write(archive: Path, member: PurePosixPath, destination: Path, chunks: Iterator[bytes]) -> None:
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with destination.open("xb") as file:
            file.writelines(chunks)
    except FileExistsError:
        raise InputError(
            f"{archive}: found {str(member)!r}, whose place {destination} another member has taken; {ADVICE}"
        ) from None
    except OSError as error:
        raise InputError(
            f"{archive}: could not write {str(member)!r} to {destination} ({error.strerror}); free space or correct the archive"
        ) from error


def _safe_path(archive: Path, member: _Member) -> PurePosixPath:
    """Return the member's path, which cannot lead out of a folder, on any system."""
    path = PurePosixPath(member.name)
    found = f"{archive}: found the member {member.name!r}"
    try:
        member.name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{found}, whose name is not UTF-8; {ADVICE}") from None
    if _leads_out(member.name) or "\0" in member.name or (member.kind == "file" and not path.name):
        raise InputError(f"{found}, expected a path below the folder that is unpacked to; {ADVICE}")
    if member.kind == "link" and _leads_out(posixpath.normpath(member.link)):
        raise InputError(f"{found}, a link that leads out of the archive (to {member.link!r}); {ADVICE}")
    if member.kind == "special":
        raise InputError(f"{found}, a device file or named pipe, expected files and folders; {ADVICE}")
    return path


def _leads_out(path: str) -> bool:
    windows = PureWindowsPath(path)  # knows / and \ and drives
    return path.startswith("/") or bool(windows.anchor) or ".." in windows.parts


def _require_within(archive: ArchiveFile, unpacked: int) -> None:
    if unpacked > archive.unpacked_at_most:
        raise InputError(
            f"{archive.path}: found that it unpacks to more than {archive.unpacked_at_most:,} bytes, the most that is expected "
            f"of this archive; {ADVICE}"
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
    """A header of which damage is an error; ``TarFile.next`` takes it for the archive's end, and loses the rest silently."""

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
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # the empty block that ends an archive
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _tar_members(archive: ArchiveFile, stream: IO[bytes] | gzip.GzipFile) -> Iterator[_Member]:
    # "r|" never goes backwards, whatever sizes the headers claim.
    with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES, tarinfo=_Header, encoding="utf-8") as tar:
        while header := tar.next():
            tar.members.clear()  # type: ignore[attr-defined]  # kept for going backwards
            link = header.linkname if header.islnk() else _beside(header.name, header.linkname)
            yield _Member(header.name, _tar_kind(header), header.size, partial(_tar_content, tar, header), link)
    # gzip compares its checksum at the end of the file, which is behind the end of the archive.
    behind = -tarfile.RECORDSIZE  # archives are padded to a whole record
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
                raise InputError(
                    f"{archive.path}: found that {info.filename!r} is encrypted, expected an archive without a password; {ADVICE}"
                )
            kind = _zip_kind(info)
            link = _beside(info.filename, _zip_link(zip_file, info)) if kind == "link" else ""
            yield _Member(info.filename, kind, info.file_size, partial(zip_file.open, info), link)


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16  # of Unix; 0 where the archive comes from another system
    if info.filename.endswith("/") or stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "special"


def _zip_link(zip_file: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Return where a link leads, which is its content."""
    if info.file_size > LINK_BYTES:
        raise zipfile.BadZipFile(f"{info.filename!r} is a link of {info.file_size:,} bytes")
    return zip_file.read(info).decode()


def _beside(name: str, link: str) -> str:
    """Return where a symbolic link leads, seen from the archive's top."""
    return (PureWindowsPath(name).parent / link).as_posix()


@contextmanager
def _intact(archive: Path) -> Iterator[None]:
    """Turn what Python's readers raise into the one error that names the archive."""
    try:
        yield
    except InputError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{archive}: cannot be read ({error.strerror}), expected an archive; correct `archive:`") from None
    except BROKEN as error:
        raise InputError(
            f"{archive}: found a broken archive ({str(error) or type(error).__name__}), expected a whole .tar, .tar.gz or .zip "
            "file; remove it so that it is downloaded again, or correct `archive:`"
        ) from error
