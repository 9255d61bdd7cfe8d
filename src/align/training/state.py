"""The saved state from which an interrupted run goes on. No rule declares its folder, so Snakemake does not touch it."""

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
HANDED_OVER = 75  # exit status of a temporary failure in sysexits.h: try again
READABLE = ("torch", "device", "precision")  # entries of a fingerprint; the others are hashes
SHARE = 0.02  # largest share of the time that saving may take


class RunState:
    """The state of one run on disk, for the process that trains it; see :func:`resumable`.

    Attributes:
        content: the state that the last interrupted process has saved. None if there is no such state.
        interruptions: the number of interruptions of the run.
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
        """Return the seconds of this process and of the processes before it. A process before it counts until it last saved."""
        return self._seconds_before + time.monotonic() - self._begin

    def after_step(self, current: Callable[[], State]) -> None:
        """Save ``current()`` if it is time.

        Raises:
            SystemExit: a signal came, or another process wants the run. The state is saved.
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
            LOG.warning("another process wants this run and goes on with it from here")
            raise SystemExit(HANDED_OVER)
        self.leave_if_told()

    def save(self, content: State) -> None:
        """Write ``content``. If that fails, log a warning and go on."""
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
                "%s: cannot be saved (%s); training goes on, but after an interruption it begins anew", self.folder / FILE, error
            )

    def leave_if_told(self) -> None:
        """Raise SystemExit with the usual status if a signal has come."""
        if self._signal:
            LOG.warning("stopped by %s; the next start goes on from here", self._signal.name)
            raise SystemExit(128 + self._signal)

    def load(self) -> None:
        """Load the saved state if it is complete and belongs to the same run."""
        for remnant in self.folder.glob(f".{FILE}.*"):  # of a process that was killed while it saved
            remnant.unlink()
        path = self.folder / FILE
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            other = _differences(saved["fingerprint"], self.fingerprint)
            content, seconds, interruptions = saved["content"], saved["wall_seconds"], saved["interruptions"]
        except FileNotFoundError:
            return
        except Exception as error:  # for a broken file, torch raises almost anything
            LOG.warning("%s: found no complete state (%s); the run begins anew", path, type(error).__name__)
            return
        if other:
            LOG.warning("%s: found the state of a run with another %s; the run begins anew", path, ", ".join(other))
            return
        self.content, self._seconds_before, self.interruptions = content, seconds, interruptions + 1
        LOG.info("goes on in epoch %d, after %.0f s", content["progress"]["epoch"], seconds)

    def keep_finished(self, outputs: Sequence[Path]) -> None:
        """Keep a second link to each of ``outputs`` until Snakemake has ended, and remove the state.

        If Snakemake is killed before it has recorded that the run has finished, the next Snakemake removes the outputs.
        """
        kept = self.folder / FINISHED
        shutil.rmtree(kept, ignore_errors=True)
        with suppress(OSError, InputError), whole_folder(kept) as partial:  # some file systems have no links
            for path in outputs:
                os.link(path, partial / path.name)
            write_json(partial / FINGERPRINT, self.fingerprint)
        (self.folder / FILE).unlink(missing_ok=True)

    def take_finished(self, outputs: Sequence[Path]) -> bool:
        """Restore ``outputs`` if the run had finished before Snakemake recorded it. Return whether it had."""
        kept = self.folder / FINISHED
        try:
            if _differences(json.loads((kept / FINGERPRINT).read_text()), self.fingerprint):
                return False
            for path in outputs:
                with whole_file(path) as partial:
                    os.link(kept / path.name, partial)
                    os.utime(partial)  # an output must be newer than its inputs
        except (OSError, ValueError):  # an InputError is a ValueError
            return False
        LOG.info("this run had finished before Snakemake recorded it; its outputs are restored")
        return True

    @contextmanager
    def deferred_signals(self) -> Iterator[None]:
        """Make SIGTERM and SIGINT wait for the end of a step."""

        def remember(number: int, frame: FrameType | None) -> None:
            self._signal = signal.Signals(number)

        former = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


@contextmanager
def resumable(folder: Path, fingerprint: Mapping[str, Any], save_every: float) -> Iterator[RunState]:
    """Yield the state of a run. Meanwhile no other process trains the run.

    Args:
        folder: the folder of the state. No rule declares it.
        fingerprint: what the run's numbers depend on, by name: hashes, torch, device and precision. A state with another
            fingerprint is not loaded.
        save_every: the least number of seconds between two times that the state is saved.

    Raises:
        SystemExit: a signal came while another process trained the run.
    """
    state = RunState(folder, fingerprint, save_every)
    with state.deferred_signals(), owned(folder, state.leave_if_told):
        state.load()
        yield state


def _differences(saved: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """Return the names under which the two fingerprints differ, with both values where a person can read them."""
    different = [key for key in own if saved.get(key) != own[key]]
    return [f"{key} ({saved.get(key)}, here {own[key]})" if key in READABLE else key for key in different]
