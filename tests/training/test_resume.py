"""An interrupted run that is gone on with is the uninterrupted one, bit for bit; what is taken up, and what is not."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import needs_mount, small_disk
from small_runs import TRAINING_SPLIT, VALIDATION_SPLIT, same_states, trained_run

from align.methods import METHODS
from align.training.finished import forget_finished
from align.training.ownership import LOCK, is_wanted, owned
from align.training.settings import TrainingSettings
from align.training.state import FILE, HANDED_OVER, resumable
from align.workflow.runs import computed_by

FINGERPRINT = {
    "configuration": "a",
    "code": "b",
    "data": {"images.npy": "c"},
    "torch": "2",
    "device": "cpu",
    "precision": "float32",
}
SEVERAL = [TRAINING_SPLIT, VALIDATION_SPLIT]


class InterruptionError(Exception):
    """What a test stops a run with."""


def interrupted_after(steps, path):
    """Return what saves a run's state after so many steps, and stops it."""
    left = iter(range(steps, 0, -1))

    def after_step(current):
        if next(left) == 1:
            torch.save(current(), path)
            raise InterruptionError

    return after_step


def run_in_parts(method, lengths, path, **arguments):
    """Train a run that is interrupted after each number of steps in turn."""
    state = None
    for steps in lengths:
        with pytest.raises(InterruptionError):
            trained_run(method, state=state, after_step=interrupted_after(steps, path), **arguments)
        state = torch.load(path, weights_only=True)
    return trained_run(method, state=state, **arguments)[0]


def steps_of(method, **arguments):
    taken = []
    trained_run(method, after_step=lambda current: taken.append(1), **arguments)
    return len(taken)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_in_parts_is_the_whole_run(method, precision, tmp_path):
    several = METHODS[method].settings.several_sources
    how = {"sources": SEVERAL if several else [TRAINING_SPLIT], "precision": precision, "decay": "cosine"}
    whole, _ = trained_run(method, **how)
    steps = steps_of(method, **how)
    assert steps >= 9  # three epochs, and the masker's own steps
    for lengths in ([1], [steps], [2, 1, 1, 1, steps - 6]):
        parts = run_in_parts(method, lengths, tmp_path / "state.pt", **how)
        assert parts.history.rows == whole.history.rows
        assert (parts.selected_epoch, parts.selected_phase) == (whole.selected_epoch, whole.selected_phase)
        assert same_states(parts.states, whole.states)


@pytest.mark.parametrize("method", ["align", "align-plus", "align-swap"])
def test_it_may_stop_after_any_step(method, tmp_path):
    whole, _ = trained_run(method)
    for steps in range(1, steps_of(method) + 1):
        parts = run_in_parts(method, [steps], tmp_path / "state.pt")
        assert parts.history.rows == whole.history.rows
        assert same_states(parts.states, whole.states)


def content(epoch):
    return {"progress": {"epoch": epoch}, "weights": torch.arange(3.0)}


@pytest.fixture
def saved(tmp_path):
    """Return the folder of a run that was saved and not ended."""
    folder = tmp_path / "state/run"
    with resumable(folder, FINGERPRINT, 0.0) as state:
        time.sleep(0.01)
        state.after_step(lambda: content(3))
    return folder


def taken_up(folder, fingerprint=FINGERPRINT):
    with resumable(folder, fingerprint, 60.0) as state:
        return state.content


def test_what_was_saved_is_taken_up_with_its_seconds(saved, caplog):
    caplog.set_level(logging.INFO, logger="align")
    with resumable(saved, FINGERPRINT, 60.0) as state:
        assert torch.equal(state.content["weights"], torch.arange(3.0))
        assert state.interruptions == 1
        assert state.wall_seconds >= 0.01
    assert "goes on in epoch 3" in caplog.text


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("configuration", "z", "configuration"),
        ("code", "z", "code"),
        ("data", {"images.npy": "z"}, "data"),
        ("torch", "3", "torch (2, here 3)"),
        ("device", "cuda", "device (cpu, here cuda)"),
        ("precision", "bfloat16", "precision (float32, here bfloat16)"),
    ],
)
def test_the_state_of_another_run_is_dropped_and_the_difference_named(saved, caplog, key, value, named):
    assert taken_up(saved, FINGERPRINT | {key: value}) is None
    assert f"found the state of a run with another {named}; the run begins anew" in caplog.text


def test_a_processor_with_bfloat16_does_not_go_on_with_a_run_of_one_without(tmp_path, monkeypatch, caplog):
    def started(native, precision):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native}, raising=False)
        return computed_by(TrainingSettings(precision=precision), torch.device("cpu"))

    for precision, goes_on in (("auto", False), ("float32", True), ("bfloat16", True)):
        folder = tmp_path / precision
        with resumable(folder, started(False, precision), 60.0) as state:
            state.save(content(3))
        assert (taken_up(folder, started(True, precision)) is not None) == goes_on
    assert caplog.text.count("another precision (float32, here bfloat16)") == 1


@pytest.mark.parametrize("kind", ["cut", "empty", "foreign", "pickle"])
def test_a_state_that_is_not_whole_is_dropped(saved, caplog, tmp_path, kind):
    file = saved / FILE
    if kind == "foreign":
        torch.save({"other": 1}, file)
    elif kind == "pickle":
        torch.save({"fingerprint": FINGERPRINT, "content": Malicious(tmp_path / "executed")}, file)
    else:
        file.write_bytes(file.read_bytes()[: 100 if kind == "cut" else 0])
    assert taken_up(saved) is None
    assert "found no complete state" in caplog.text
    assert not (tmp_path / "executed").exists()


class Malicious:
    """Creates a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_what_a_killed_process_left_of_a_save_is_removed(saved):
    left = saved / f".{FILE}.1234.partial.pt"
    left.write_bytes(b"half")
    assert taken_up(saved) is not None
    assert not left.exists()


def test_saving_takes_at_most_its_share_of_the_time(tmp_path):
    def slow():
        saved.append(time.monotonic())
        time.sleep(0.05)
        return content(1)

    saved = []
    with resumable(tmp_path / "run", FINGERPRINT, 0.0) as state:
        deadline = time.monotonic() + 60
        while len(saved) < 2 and time.monotonic() < deadline:
            state.after_step(slow)
            time.sleep(0.005)
    first, second = saved
    assert second - first >= 0.05 / 0.02  # a save of 0.05 s is 2 % of 2.5 s


@needs_mount
def test_a_full_disk_does_not_end_a_run(tmp_path, caplog):
    folder = tmp_path / "run"
    large = content(2) | {"weights": torch.zeros(2**20)}  # 4 MB
    with small_disk(folder, "64k") as enlarge, resumable(folder, FINGERPRINT, 0.0) as state:
        state.save(content(1))
        deadline = time.monotonic() + 60
        while not caplog.text and time.monotonic() < deadline:
            state.after_step(lambda: large)
            time.sleep(0.01)
        assert "cannot be written (No space left on device)" in caplog.text
        assert "training goes on" in caplog.text
        assert sorted(path.name for path in folder.iterdir()) == [LOCK, FILE]
        assert torch.load(folder / FILE, weights_only=True)["content"]["progress"]["epoch"] == 1
        enlarge()
        state.save(large)
        assert torch.load(folder / FILE, weights_only=True)["content"]["progress"]["epoch"] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_waits_for_the_end_of_a_step_and_saves(tmp_path, number):
    former = signal.getsignal(number)
    with pytest.raises(SystemExit) as leaving, resumable(tmp_path / "run", FINGERPRINT, 60.0) as state:
        state.after_step(lambda: content(1))
        assert not (tmp_path / "run" / FILE).exists()
        os.kill(os.getpid(), number)
        state.after_step(lambda: content(2))
    assert leaving.value.code == 128 + number
    assert signal.getsignal(number) == former
    assert taken_up(tmp_path / "run")["progress"]["epoch"] == 2


def test_a_signal_after_the_last_step_changes_nothing(tmp_path):
    with resumable(tmp_path / "run", FINGERPRINT, 60.0):
        os.kill(os.getpid(), signal.SIGTERM)
        outputs = [tmp_path / "checkpoint.pt"]
        outputs[0].write_text("whole")
    assert outputs[0].read_text() == "whole"


WAITING = """
import sys
from pathlib import Path
from align.training.ownership import owned

with owned(Path(sys.argv[1]), lambda: None):
    print("mine", flush=True)
    sys.stdin.read()
"""


def another_process(folder):
    command = [sys.executable, "-c", WAITING, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_run_is_handed_over_to_the_process_that_asks_for_it(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(SystemExit) as leaving, resumable(folder, FINGERPRINT, 60.0) as state:
        other = another_process(folder)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            state.after_step(lambda: content(4))
            time.sleep(0.01)
    assert leaving.value.code == HANDED_OVER
    assert other.stdout.readline() == "mine\n"
    assert (folder / "lock").read_text().startswith(f"process {other.pid} on ")
    other.communicate()
    assert taken_up(folder)["progress"]["epoch"] == 4


def test_a_killed_owner_keeps_nobody_waiting(tmp_path):
    other = another_process(tmp_path / "run")
    assert other.stdout.readline() == "mine\n"
    other.kill()
    with owned(tmp_path / "run", lambda: None):
        other.communicate()


def test_one_that_has_stopped_waiting_wants_nothing(tmp_path):
    with owned(tmp_path / "run", lambda: None):
        other = another_process(tmp_path / "run")
        deadline = time.monotonic() + 30
        while not is_wanted(tmp_path / "run") and time.monotonic() < deadline:
            time.sleep(0.01)
        other.kill()
        other.communicate()
        assert (tmp_path / "run/wanted").exists()
        assert not is_wanted(tmp_path / "run")


def test_an_owner_may_remove_its_folder(tmp_path):
    with owned(tmp_path / "state/run", lambda: None):
        forget_finished(tmp_path / "absent")
        other = another_process(tmp_path / "state/run")
        (tmp_path / "state/run/finished").mkdir()
        forget_finished(tmp_path / "state")
        assert not (tmp_path / "state/run/finished").exists()
    assert other.stdout.readline() == "mine\n"
    other.communicate()


@pytest.fixture
def outputs(tmp_path):
    paths = [tmp_path / "results" / name for name in ("checkpoint.pt", "run.json")]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_text(path.name)
        os.utime(path, (1, 1))
    return paths


def test_a_run_that_ended_unseen_is_not_trained_again(saved, outputs):
    with resumable(saved, FINGERPRINT, 60.0) as state:
        assert not state.take_finished(outputs)
        state.keep_finished(outputs)
    assert not (saved / FILE).exists()
    for path in outputs:
        path.unlink()  # as Snakemake does before it begins a job
    with resumable(saved, FINGERPRINT, 60.0) as state:
        assert state.content is None
        assert state.take_finished(outputs)
    assert [path.read_text() for path in outputs] == ["checkpoint.pt", "run.json"]
    assert all(path.stat().st_mtime > 1 for path in outputs)


def test_another_run_that_ended_is_none(saved, outputs):
    with resumable(saved, FINGERPRINT, 60.0) as state:
        state.keep_finished(outputs)
    outputs[0].unlink()
    with resumable(saved, FINGERPRINT | {"code": "z"}, 60.0) as state:
        assert not state.take_finished(outputs)
    assert not outputs[0].exists()


def test_what_ended_is_forgotten_and_what_did_not_is_kept(saved, outputs, tmp_path):
    ended = tmp_path / "state/other/seed0"
    with resumable(ended, FINGERPRINT, 60.0) as state:
        state.keep_finished(outputs)
    forget_finished(tmp_path / "state")
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["run"]
    assert taken_up(saved) is not None
    assert all(path.exists() for path in outputs)
