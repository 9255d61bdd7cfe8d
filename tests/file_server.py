"""A real HTTP server on this machine, which can misbehave as servers do."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 2**16


@dataclass
class Request:
    """A request to the server: its Range header, the status of the answer, and the number of bytes sent."""

    range: str | None
    status: int | None = None
    sent: int = 0


@dataclass
class Served:
    """The content at one path, how it is served, and the requests for it.

    Attributes:
        content: the bytes of the file.
        statuses: the status of each answer, None for a proper answer. When they are used up, all answers are proper.
        ranges: whether the server honours Range headers.
        at_most: number of bytes after which an answer ends.
        stalls: whether the connection then stays open without a byte, instead of being closed.
        announced_too_many: number of bytes by which Content-Length exceeds the content.
        pause: seconds to wait after each piece of 64 KiB.
        headers: further headers of the answer.
        requests: the requests so far.
    """

    content: bytes
    statuses: Iterator[int | None] = field(default_factory=lambda: iter(()))
    ranges: bool = True
    at_most: int | None = None
    stalls: bool = False
    announced_too_many: int = 0
    pause: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    @property
    def resumed(self) -> list[Request]:
        """The requests for the rest of a file."""
        return [request for request in self.requests if request.range]


class FileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served: dict[str, Served] = {}
        self.stopped = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def serve(self, path: str, served: Served) -> str:
        """Serve ``served`` at ``path`` and return its address."""
        self.served[path] = served
        return self.address + path

    def handle_error(self, request, client_address):
        """Print nothing when a client closes its connection."""


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def log_message(self, *arguments):
        """Print nothing."""

    def do_GET(self):
        served = self.server.served.get(self.path.partition("?")[0])
        if served is None:
            self.send_error(404)
            return
        request = Request(self.headers["Range"])
        served.requests.append(request)
        request.status = next(served.statuses, None)
        if request.status is not None:
            self.send_error(request.status)
            return
        asked = self._asked(served)
        if asked is not None and asked[0] >= len(served.content):
            request.status = 416
            self.send_error(416)
            return
        request.status = 200 if asked is None else 206
        self._send(served, request, *(asked or (0, len(served.content))))

    def _asked(self, served: Served) -> tuple[int, int] | None:
        """Return the first byte that is asked for, and the one behind the last. None if the whole file is sent."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        unchanged = self.headers["If-Range"] in (None, _tag(served))
        if not (asked and served.ranges and unchanged):
            return None
        return int(asked[1]), int(asked[2]) + 1 if asked[2] else len(served.content)

    def _send(self, served: Served, request: Request, start: int, end: int) -> None:
        self.send_response(request.status)
        self.send_header("Content-Type", "text/html" if served.content.startswith(b"<") else "application/octet-stream")
        self.send_header("ETag", _tag(served))
        self.send_header("Content-Length", str(end - start + served.announced_too_many))
        if request.status == 206:
            self.send_header(
                "Content-Range",
                f"bytes {start}-{end - 1 + served.announced_too_many}/{len(served.content) + served.announced_too_many}",
            )
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.end_headers()
        stop = end if served.at_most is None else min(end, start + served.at_most)
        with suppress(ConnectionError):
            for piece in range(start, stop, PIECE):
                sent = served.content[piece : min(piece + PIECE, stop)]
                request.sent += len(sent)  # counted first, since the client may look here as soon as it has them
                self.wfile.write(sent)
                self.server.stopped.wait(served.pause)
            if served.stalls and stop < end:
                self.server.stopped.wait(60)


def _tag(served: Served) -> str:
    return f'"{hashlib.md5(served.content).hexdigest()}"'


@contextmanager
def running_server() -> Iterator[FileServer]:
    """Yield a server that answers until the block ends."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join()
