"""Asking addresses whether they answer now. At most the first bytes of an answer are read."""

import threading
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

import gdown
import requests
from gdown.download import GoogleDriveFileToDownload
from gdown.exceptions import DownloadError
from gdown.parse_url import parse_url

from align.errors import InputError, causes

WITHIN = 5.0  # seconds
LONGEST_REASON = 160  # characters


class Answer(NamedTuple):
    """What an address says now.

    Attributes:
        address: the address.
        gives: whether it gives a file that may be the expected one.
        what: what it gives, or why it gives nothing.
    """

    address: str
    gives: bool
    what: str


def ask(addresses: Mapping[str, Iterable[tuple[str, int | None]]], within: float = WITHIN) -> dict[str, list[Answer]]:
    """Ask all addresses at the same time, and return the answers by archive.

    Args:
        addresses: by archive, each address with the expected number of bytes, None if that is unknown.
        within: seconds. An address that has not answered by then counts as silent.
    """
    pairs = {archive: list(each) for archive, each in addresses.items()}
    answers: dict[tuple[str, int | None], Answer] = {}

    def note(address: str, size: int | None) -> None:
        answers[address, size] = _ask(address, size, within)

    # Daemons: a look-up of a name may take longer, and nobody waits for it.
    threads = [
        threading.Thread(target=note, args=pair, daemon=True) for pair in {pair for each in pairs.values() for pair in each}
    ]
    deadline = time.monotonic() + within
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    silent = f"no answer within {within:g} s"
    return {archive: [answers.get(pair, Answer(pair[0], False, silent)) for pair in each] for archive, each in pairs.items()}


def said(answers: Mapping[str, Iterable[Answer]]) -> str:
    """Return a line for each address, below a line for its archive if there are several archives."""
    lines = []
    for archive, each in answers.items():
        lines += [f"{archive}:"] if len(answers) > 1 else []
        lines += [f"  {'answers' if answer.gives else 'no file'}  {answer.address}  {answer.what}" for answer in each]
    return "\n".join(lines) or "No data set of this configuration comes from an address."


def require_an_answer(answers: Mapping[str, Iterable[Answer]]) -> None:
    """Check that each archive has an address that gives a file.

    Raises:
        InputError: an archive has none.
    """
    gone = [archive for archive, each in answers.items() if not any(answer.gives for answer in each)]
    if gone:
        raise InputError(
            f"{', '.join(gone)}: found no address that gives the file now, expected at least one; try again later, give another "
            "`address:`, or download the file with a browser and name it with `archive:`"
        )


def _ask(address: str, size: int | None, timeout: float) -> Answer:
    try:
        if parse_url(address)[0]:
            return Answer(address, True, _name_at_drive(address, timeout))
        with requests.get(address, headers={"Range": "bytes=0-0"}, stream=True, timeout=timeout) as response:
            return Answer(address, *_judged(response, size))
    except requests.Timeout:
        return Answer(address, False, _silent(timeout))
    except (requests.RequestException, DownloadError) as error:
        *_, cause = causes(error)  # the first says most: the name is unknown, the connection was refused
        return Answer(address, False, " ".join(str(cause).split())[:LONGEST_REASON])


def _silent(seconds: float) -> str:
    return f"no answer within {seconds:g} s"


def _name_at_drive(address: str, timeout: float) -> str:
    """Return the name of a file of Google Drive. Its size is not told before the download."""
    found = gdown.download(address, quiet=True, use_cookies=False, timeout=timeout, skip_download=True)
    assert isinstance(found, GoogleDriveFileToDownload), "nothing is downloaded"
    return f"the file {found.path}"


def _judged(response: requests.Response, size: int | None) -> tuple[bool, str]:
    if not response.ok:
        return False, f"{response.status_code} {response.reason}"
    if response.headers.get("Content-Type", "").startswith("text/html"):
        return False, "a web page"
    of = response.headers.get("Content-Range", "").rpartition("/")[2]
    length = of if response.status_code == HTTPStatus.PARTIAL_CONTENT else response.headers.get("Content-Length", "")
    if not length.isdecimal():
        return True, "a file of unknown size"
    if size is not None and int(length) != size:
        return False, f"a file of {int(length):,} bytes, expected {size:,}"
    return True, f"a file of {int(length):,} bytes"
