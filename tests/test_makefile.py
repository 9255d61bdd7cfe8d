"""Setting up: one clear line where Python cannot do it, no stamp where it was interrupted, nothing to do where it is done."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READY = ".venv/.ready"

# A `python` that makes an environment of scripts and writes down what it is asked for; `pip` fails where a file `broken` lies.
STUB = """\
#!/bin/sh
case "$*" in
    "-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo venv >> calls ;;
    "-m pip install"*) echo pip >> calls; test ! -e broken ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    stub = tmp_path / "stub-python"
    stub.write_text(STUB)
    stub.chmod(0o755)
    return tmp_path


def make(folder, *arguments):
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "--directory", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)


def calls(folder):
    """Return what the stub was asked for since the last look."""
    file = folder / "calls"
    asked = file.read_text().split() if file.is_file() else []
    file.unlink(missing_ok=True)
    return asked


def set_up(folder):
    return make(folder, READY, f"PYTHON={folder / 'stub-python'}")


def test_help_is_the_default_and_lists_both_commands(checkout):
    shown = make(checkout, "--no-print-directory").stdout
    assert {"make reproduce", "make test", "make bench", "make lock"} <= {
        " ".join(line.split()[:2]) for line in shown.splitlines()
    }


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_a_python_that_cannot_make_an_environment_is_one_clear_line(checkout, python):
    result = make(checkout, "reproduce", f"PYTHON={python}")
    first, *others = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert result.returncode != 0
    assert not others
    assert first.startswith(f"{python} cannot make an environment: Python 3.11 or newer with venv is needed")
    assert "apt-get install python3-venv" in first
    assert not (checkout / ".venv").exists()


def test_set_up_is_done_once(checkout):
    assert set_up(checkout).returncode == 0
    assert calls(checkout) == ["venv", "pip", "pip"]
    assert (checkout / READY).is_file()
    assert set_up(checkout).returncode == 0
    assert calls(checkout) == []


def test_a_changed_lock_is_installed_into_the_same_environment(checkout):
    set_up(checkout)
    calls(checkout)
    stamp = (checkout / READY).stat().st_mtime
    subprocess.run(["touch", "-d", f"@{stamp + 1}", str(checkout / "requirements.lock")], check=True)
    assert set_up(checkout).returncode == 0
    assert calls(checkout) == ["pip", "pip"]


def test_an_interrupted_set_up_leaves_no_stamp_and_starts_anew(checkout):
    (checkout / "broken").touch()
    assert set_up(checkout).returncode != 0
    assert calls(checkout) == ["venv", "pip"]
    assert not (checkout / READY).exists()
    (checkout / "broken").unlink()
    assert set_up(checkout).returncode == 0
    assert calls(checkout) == ["venv", "pip", "pip"]


def test_an_interrupted_update_leaves_no_stamp(checkout):
    set_up(checkout)
    stamp = (checkout / READY).stat().st_mtime
    subprocess.run(["touch", "-d", f"@{stamp + 1}", str(checkout / "pyproject.toml")], check=True)
    (checkout / "broken").touch()
    assert set_up(checkout).returncode != 0
    assert not (checkout / READY).exists()
