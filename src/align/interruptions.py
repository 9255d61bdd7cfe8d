"""Says in a last line that Snakemake was stopped, by Ctrl-C or SIGTERM, and that it can go on."""

import atexit
import signal
import sys
from threading import Thread
from types import FrameType, TracebackType
from typing import Any

STOPPED = "stopped; run again to go on"
_received: list[int] = []


def announce_interruptions() -> None:
    """Print a last line when this process ends after SIGINT or SIGTERM, and no traceback. What the signals do stays the same.

    Snakemake sets its own handler of SIGTERM late. A second call puts the announcement before that handler, too.
    """
    atexit.unregister(_last_line)
    atexit.register(_last_line)
    hide_interruptions()
    for number in (signal.SIGINT, signal.SIGTERM):
        former = signal.getsignal(number)
        if former is signal.SIG_IGN or getattr(former, "announces", False):
            continue

        def announced(received: int, frame: FrameType | None, former: Any = former) -> None:
            _received.append(received)
            if str(getattr(former, "__module__", "")).startswith("snakemake."):
                # Snakemake's handler waits for a lock that this thread may hold. Here it would wait for ever.
                Thread(target=former, args=(received, frame), daemon=True).start()
            elif callable(former):
                former(received, frame)
            else:
                raise SystemExit(128 + received)

        announced.announces = True  # type: ignore[attr-defined]
        signal.signal(number, announced)


def hide_interruptions() -> None:
    """Print no traceback if Ctrl-C ends this process. Its exit status stays that of an interrupted process."""
    sys.excepthook = _quiet_when_stopped


def _last_line() -> None:
    if _received:
        sys.stdout.flush()
        print(STOPPED, file=sys.stderr, flush=True)


def _quiet_when_stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
