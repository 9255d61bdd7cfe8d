"""A real HTTP server on this machine that serves bytes well or badly."""

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
    """A request that the server got: its Range header, the status of the answer and the bytes that it was sent."""

    range: str | None
    status: int | None = None
    sent: int = 0


@dataclass
class Served:
    """What is served at one path, how, and what was asked for.

    Attributes:
        statuses: one for each request, None for a proper answer; proper answers when they are used up.
        ranges: whether Range headers are honoured.
        at_most: bytes after which an answer ends.
        stalls: whether it then stays open without a byte, instead of being closed.
        announced_too_many: bytes that Content-Length says beyond the content.
        pause: seconds after each piece of 64 KiB.
        headers: further ones.
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
        """Say nothing of clients that go away."""


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
        start = self._start(served)
        if start is not None and start >= len(served.content):
            request.status = 416
            self.send_error(416)
            return
        request.status = 200 if start is None else 206
        self._send(served, request, start or 0)

    def _start(self, served: Served) -> int | None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        unchanged = self.headers["If-Range"] in (None, _tag(served))
        return int(asked[1]) if asked and served.ranges and unchanged else None

    def _send(self, served: Served, request: Request, start: int) -> None:
        end = len(served.content)
        self.send_response(request.status)
        self.send_header("Content-Type", "text/html" if served.content.startswith(b"<") else "application/octet-stream")
        self.send_header("ETag", _tag(served))
        self.send_header("Content-Length", str(end - start + served.announced_too_many))
        if request.status == 206:
            last = end - 1 + served.announced_too_many
            self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.end_headers()
        stop = end if served.at_most is None else min(end, start + served.at_most)
        with suppress(ConnectionError):
            for piece in range(start, stop, PIECE):
                sent = served.content[piece : min(piece + PIECE, stop)]
                request.sent += len(sent)  # before the client can have them and look here
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
