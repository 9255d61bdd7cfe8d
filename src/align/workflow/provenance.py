"""Records where a number came from: the versions of libraries, and the git revision."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def versions() -> dict[str, str]:
    """Return the versions of Python, of this library, and of the libraries that numbers depend on."""
    numerical = ("numpy", "pandas", "pillow", "scikit-learn", "torch", "torchvision", "transformers")
    libraries = ("align-reproduction", *numerical)
    installed = {name: _version(name) for name in libraries}
    return {"python": platform.python_version()} | {name: v for name, v in installed.items() if v}


def git_revision(folder: Path | str = PACKAGE) -> str | None:
    """Return the git revision of ``folder``, with ``-dirty`` if it has changes. None if no repository tracks the folder."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        # The folder may lie inside another repository that does not track it.
        subprocess.run(["git", "-C", str(folder), "ls-files", "--error-unmatch", "."], capture_output=True, check=True)
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
