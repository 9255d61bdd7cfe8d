"""Files and folders that are either whole or absent."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from align.errors import InputError
from align.files import whole_file, whole_folder

KILLED = """
import os, signal, sys
from align.files import whole_folder
with whole_folder(sys.argv[1]) as folder:
    (folder / "half").write_text("written")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with whole_folder(tmp_path / "data/set") as folder:
        (folder / "image").write_text("1")
        assert not (tmp_path / "data/set").exists()
    assert [path.name for path in (tmp_path / "data").rglob("*")] == ["set", "image"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "set") as folder:
        (folder / "image").write_text(str(1 / 0))
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "file") as partial:
        partial.write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_touched(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/mine").write_text("mine")
    with pytest.raises(InputError, match="set: found something there already"), whole_folder(tmp_path / "set"):
        raise AssertionError("not reached")
    assert (tmp_path / "set/mine").read_text() == "mine"


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "set")])
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert (left / "half").exists()
    assert left.name.endswith(".partial")
    living = tmp_path / f".set.{socket.gethostname()}.{os.getppid()}.partial"
    living.mkdir()
    with whole_folder(tmp_path / "set") as folder:
        (folder / "image").write_text("1")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["set", living.name])
