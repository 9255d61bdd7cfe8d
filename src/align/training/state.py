"""What an interrupted run goes on from: a folder that no rule declares, so that Snakemake leaves it alone."""

import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from align.errors import InputError
from align.files import whole_file, whole_folder, write_json
from align.training.finished import FINISHED
from align.training.ownership import INTERVAL, is_wanted, owned
from align.training.trainer import State

LOG = logging.getLogger("align")
FILE = "state.pt"
FINGERPRINT = "fingerprint.json"
HANDED_OVER = 75  # exit status; sysexits.h: a temporary failure, try again
SHARE = 0.02  # of the time, at most, that saving takes


class RunState:
    """The state of one run on disk, for the process that trains it; see :func:`resumable`.

    Attributes:
        content: what the last process that was interrupted has left, None where there is nothing to go on from.
        interruptions: how often the run was interrupted.
    """

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any], save_every: float) -> None:
        self.folder = folder
        self.fingerprint = dict(fingerprint)
        self.save_every = save_every
        self.content: State | None = None
        self.interruptions = 0
        self._seconds_before = 0.0
        self._signal: signal.Signals | None = None
        self._begin = self._next_look = time.monotonic()
        self._next_save = self._begin + save_every

    @property
    def wall_seconds(self) -> float:
        """Return the seconds of this process, and of those before it until they last saved."""
        return self._seconds_before + time.monotonic() - self._begin

    def after_step(self, current: Callable[[], State]) -> None:
        """Save ``current()`` where it is time.

        Raises:
            SystemExit: after a signal, or where another process wants the run; it is saved.
        """
        now = time.monotonic()
        if self._signal is None and now < self._next_look:
            return
        self._next_look = now + INTERVAL
        wanted = self._signal is None and is_wanted(self.folder)
        if wanted or self._signal or now >= self._next_save:
            self.save(current())
            done = time.monotonic()
            self._next_save = done + max(self.save_every, (done - now) / SHARE)
        if wanted:
            LOG.warning("another process wants this run, and goes on with it from here")
            raise SystemExit(HANDED_OVER)
        self.leave_if_told()

    def save(self, content: State) -> None:
        """Write ``content``; where that fails, a line says so, and training goes on."""
        saved = {
            "content": content,
            "fingerprint": self.fingerprint,
            "wall_seconds": self.wall_seconds,
            "interruptions": self.interruptions,
        }
        try:
            with whole_file(self.folder / FILE) as partial, partial.open("wb") as file:
                torch.save(saved, file)
        except (OSError, RuntimeError, InputError) as error:
            LOG.warning(
                "%s: cannot be saved (%s); training goes on, but interrupted it would begin anew", self.folder / FILE, error
            )

    def leave_if_told(self) -> None:
        """Raise SystemExit with the usual status where a signal has come."""
        if self._signal:
            LOG.warning("stopped by %s; the next start goes on from here", self._signal.name)
            raise SystemExit(128 + self._signal)

    def load(self) -> None:
        """Take up what is there, if it is whole and of the same run."""
        for left in self.folder.glob(f".{FILE}.*"):  # by a process that was killed while it saved
            left.unlink()
        path = self.folder / FILE
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            other = _differences(saved["fingerprint"], self.fingerprint)
            content, seconds, interruptions = saved["content"], saved["wall_seconds"], saved["interruptions"]
        except FileNotFoundError:
            return
        except Exception as error:  # a broken file makes torch raise almost anything
            LOG.warning("%s: found no whole state (%s); the run begins anew", path, type(error).__name__)
            return
        if other:
            LOG.warning("%s: found the state of a run with another %s; the run begins anew", path, ", ".join(other))
            return
        self.content, self._seconds_before, self.interruptions = content, seconds, interruptions + 1
        LOG.info("goes on in epoch %d, after %.0f s", content["progress"]["epoch"], seconds)

    def keep_finished(self, outputs: Sequence[Path]) -> None:
        """Keep ``outputs`` under another name, until Snakemake has come to its end, and remove the state.

        A Snakemake that was killed does not know that the run has ended, and the next removes its outputs.
        """
        kept = self.folder / FINISHED
        shutil.rmtree(kept, ignore_errors=True)
        with suppress(OSError, InputError), whole_folder(kept) as partial:  # a file system may have no links
            for path in outputs:
                os.link(path, partial / path.name)
            write_json(partial / FINGERPRINT, self.fingerprint)
        (self.folder / FILE).unlink(missing_ok=True)

    def take_finished(self, outputs: Sequence[Path]) -> bool:
        """Return whether the run has ended already, unseen by Snakemake; then ``outputs`` are there again."""
        kept = self.folder / FINISHED
        try:
            if _differences(json.loads((kept / FINGERPRINT).read_text()), self.fingerprint):
                return False
            for path in outputs:
                with whole_file(path) as partial:
                    os.link(kept / path.name, partial)
                    os.utime(partial)  # newer than what it was made of
        except (OSError, ValueError):  # InputError among them
            return False
        LOG.info("this run has ended before Snakemake took note; its outputs are as they were")
        return True

    @contextmanager
    def signals_noted(self) -> Iterator[None]:
        """Make SIGTERM and SIGINT wait for the end of a step."""

        def note(number: int, frame: FrameType | None) -> None:
            self._signal = signal.Signals(number)

        former = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


@contextmanager
def resumable(folder: Path, fingerprint: Mapping[str, Any], save_every: float) -> Iterator[RunState]:
    """Give the state of a run, which no other process trains meanwhile.

    Args:
        folder: of the run, outside of what Snakemake knows.
        fingerprint: hashes by what they are of; only a state with the same is taken up.
        save_every: seconds between two savings, at least.

    Raises:
        SystemExit: a signal came while another process had the run.
    """
    state = RunState(folder, fingerprint, save_every)
    with state.signals_noted(), owned(folder, state.leave_if_told):
        state.load()
        yield state


def _differences(saved: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """Return what the two fingerprints differ in."""
    return [key for key in own if saved.get(key) != own[key]]
