"""`make install`: one clear line where Python cannot do it, no stamp after an interruption, nothing to do the second time."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READY = ".venv/.ready"

# This `python` makes an environment of scripts and logs each call. Its `pip` fails where there is a file `broken`.
STUB = """\
#!/bin/sh
case "$*" in
    "-m venv"*) rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo venv >> calls ;;
    "-m pip install"*) echo pip >> calls; test ! -e broken || { echo 'ERROR: broken' >&2; exit 1; } ;;
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
    """Return the calls that the stub logged since the last look."""
    file = folder / "calls"
    logged = file.read_text().split() if file.is_file() else []
    file.unlink(missing_ok=True)
    return logged


def set_up(folder):
    return make(folder, "install", f"PYTHON={folder / 'stub-python'}")


def test_help_is_the_default_and_lists_the_targets(checkout):
    listed = {" ".join(line.split()[:2]) for line in make(checkout, "--no-print-directory").stdout.splitlines()}
    assert {"make install", "make reproduce", "make test", "make bench", "make lock"} <= listed


def test_the_checks_are_complete(checkout):
    planned = make(checkout, "--dry-run", "test").stdout
    for check in ("ruff format --check", "snakefmt --check", "ruff check", "mypy", "snakemake --lint", "mkdocs build", "pytest"):
        assert check in planned


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


def test_set_up_says_one_line(checkout):
    def said():
        done = set_up(checkout)
        return [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]

    assert said() == ["Installing into .venv (about 6.5 GB)"]
    assert said() == []
    stamp = (checkout / READY).stat().st_mtime
    subprocess.run(["touch", "-d", f"@{stamp + 1}", str(checkout / "requirements.lock")], check=True)
    assert said() == ["Updating .venv"]


def test_pip_says_errors_and_nothing_else(tmp_path):
    (options,) = re.findall(r"^PIP_INSTALL := \.venv/bin/python (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    offline = [sys.executable, *options.split(), "--no-index", "--find-links", str(tmp_path / "absent")]
    failed = subprocess.run([*offline, "not-there"], capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert all(line.startswith("ERROR: ") for line in failed.stderr.splitlines())
    assert "not-there" in failed.stderr
    done = subprocess.run([*offline, "pip"], capture_output=True, text=True)  # it is there already
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_is_installed_into_the_same_environment(checkout):
    set_up(checkout)
    calls(checkout)
    stamp = (checkout / READY).stat().st_mtime
    subprocess.run(["touch", "-d", f"@{stamp + 1}", str(checkout / "requirements.lock")], check=True)
    assert set_up(checkout).returncode == 0
    assert calls(checkout) == ["pip", "pip"]


def test_an_interrupted_set_up_leaves_no_stamp_and_starts_anew(checkout):
    (checkout / "broken").touch()
    broken = set_up(checkout)
    assert broken.returncode != 0
    assert broken.stderr.startswith("ERROR: broken\n")
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
