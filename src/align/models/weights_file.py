"""Tells a file of initial weights from a name of torchvision's. Every parse asks, so this module imports nothing heavy."""

import os
import zipfile
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from align.errors import InputError
from align.files import require_no_braces

TORCHVISION_NAMES = ("IMAGENET1K_V1", "DEFAULT")
"""The names of torchvision's weights of ResNet-18. A test compares them with torchvision's own."""
OTHER_BEGINNINGS: Mapping[bytes, str] = {
    b"version https://git-lfs": "it is a pointer of Git LFS and not the file itself, which `git lfs pull` fetches",
    b"<": "it is a web page and not the file itself; download the file again",
    b"\x1f\x8b": "it is a compressed archive; unpack it and name the file in it",
    b"\x89HDF": "it is an HDF5 file, as Keras writes them",
}
"""What a file is that begins with these bytes. People name such files by mistake."""


def weights_file(source: str) -> Path | None:
    """Return the file that ``classifier.weights`` names, with the home folder in place of ``~``. None for a torchvision name.

    Raises:
        InputError: the path begins with the home folder of a user who is not there.
    """
    if source in TORCHVISION_NAMES:
        return None
    path = Path(source)
    try:
        return path.expanduser()
    except RuntimeError:
        raise InputError(
            f"classifier.weights: found {source!r}, but no user {path.parts[0][1:]!r}; write the whole path"
        ) from None


def require_weights_file(path: Path) -> None:
    """Check what can be seen of a file of weights without reading its tensors.

    Raises:
        InputError: the file is absent, cannot be read, is empty or cut short, has braces in its path, or is a file of a known
            other kind.
    """
    if not path.is_file():
        raise InputError(f"classifier.weights: {_absence(path)}")
    require_no_braces("classifier.weights", path)
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: found a file without permission to read it; give permission: chmod u+r")
    with path.open("rb") as file:
        beginning = file.read(512).lstrip()
    if not path.stat().st_size:
        raise unreadable(path, "it is empty")
    for other, what in OTHER_BEGINNINGS.items():
        if beginning.startswith(other):
            raise unreadable(path, what)
    if beginning.startswith(b"PK") and not zipfile.is_zipfile(path):
        raise unreadable(path, "its end is missing, so it was not copied or downloaded as a whole; do it again")


def unreadable(path: Path, reason: str) -> InputError:
    """Return the error that says why no tensors can be read from ``path``."""
    return InputError(
        f"{path}: cannot be read as tensors only, so it is not read at all ({reason}); "
        "expected a state dict in a file of torch.save or safetensors"
    )


def some(names: Iterable[str]) -> str:
    """Return the first three of several names for a message, in alphabetical order, and how many more there are."""
    ordered = sorted(names) or ["none"]
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return ", ".join(ordered[:3]) + more


def _absence(path: Path) -> str:
    """Return what stands where a file was expected, and what to write instead."""
    source = str(path)
    if path.is_dir():
        return f"found a folder, {path}, expected a file; name a file in it{_among(path)}"
    if path.is_symlink():
        return f"found a link, {path}, to a file that is not there ({path.readlink()}); fetch the file or name another"
    if "/" not in source and "." not in source:
        return (
            f"{source!r} is neither a file nor torchvision weights of ResNet-18 (such as {TORCHVISION_NAMES[0]}); "
            f"did you mean {TORCHVISION_NAMES[0]!r}? Weights of another library have to be saved in a file first"
        )
    near = get_close_matches(path.name, _names(path.parent), n=1, cutoff=0.8)
    guess = f" (did you mean {str(path.with_name(near[0]))!r}?)" if near else ""
    return f"found no file {path}; correct the path in the configuration{guess}"


def _among(folder: Path) -> str:
    files = [name for name in _names(folder) if name.endswith((".safetensors", ".bin", ".pt", ".pth", ".ckpt"))]
    return f", such as {folder / files[0]}" if files else ""


def _names(folder: Path) -> list[str]:
    """Return the names of the files in a folder, sorted. A folder that is not there has none."""
    return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
