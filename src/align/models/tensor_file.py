"""Reads the tensors of a file that need not be trusted: whatever wrote it, and however deep they lie in it."""

import pickletools
import struct
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from align.errors import InputError, first_line
from align.models.weights_file import some, unreadable

# torch.load reads tensors, numbers, texts, lists and dicts, and refuses every other object. Checkpoints also hold objects that
# describe how they came about. A stand-in takes the place of those that match a pattern. So their code is neither needed nor run.
PASSED_OVER = (
    "argparse.Namespace",
    "datetime.*",
    "lightning*",
    "numpy.*",
    "omegaconf.*",
    "pathlib.*",
    "pytorch_lightning*",
    "torch.nn.modules.activation.*",
    "torch.nn.modules.loss.*",
    "torch.optim.*",
    "torch.torch_version.TorchVersion",
    "types.SimpleNamespace",
    "typing.*",
    *(f"builtins.{kind}" for kind in ("bool", "dict", "float", "int", "list", "range", "slice", "str", "tuple")),
)
DICTS = ("collections.defaultdict", "*.AttributeDict", "*.CfgNode", "*.EasyDict")
PARTS_OF_TENSORS = (
    "_codecs.encode",
    *(f"builtins.{kind}" for kind in ("bytearray", "complex", "set")),
    "collections.*",
    "torch.*Storage",
    "torch._*",
    "torch.nn.parameter.*",
    "torch.storage.*",
)
PARTS_OF_MODELS = ("torch.nn.modules.*", "torchvision.models.*", "timm.models.*", "__torch__.*")  # the last is TorchScript's
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # torch before 1.6 wrote several pickles one after another. The first is this number.
LEGACY_PICKLES = 4  # the last of them is the content


class _PassedOver:
    """Stands in for an object. It takes what a pickle gives it, and keeps nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


class _Dict:
    """Stands in for a class of dicts. The unpickler of torch fills no other than these two: dict and OrderedDict."""

    def __new__(cls, *_: object) -> Any:
        return OrderedDict()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return every tensor of a file by its name, which begins with the keys that lead to it: ``state_dict.conv1.weight``.

    No code of the file is run.

    Args:
        path: a file of torch.save or safetensors, whatever its suffix.

    Raises:
        InputError: the file is broken, is of another kind, needs code to be read, or holds no named tensor.
    """
    try:
        content = load_file(path) if _is_safetensors(path) else _load_pickled(path)
    except InputError:
        raise
    except Exception as error:  # on a broken file, torch raises almost any error: struct.error, IndexError, AssertionError
        raise unreadable(path, _torchs_reason(error)) from None
    tensors = {} if isinstance(content, Tensor) else dict(_named_tensors(content))
    if not tensors:
        raise InputError(f"{path}: found {type(content).__name__}, expected a state dict: tensors by their names")
    return tensors


def _is_safetensors(path: Path) -> bool:
    """Return whether a file begins as safetensors does: the length of a JSON object in 8 bytes, then the object."""
    with path.open("rb") as file:
        beginning = file.read(9)
    return beginning[8:] == b"{" and struct.unpack("<Q", beginning[:8])[0] < path.stat().st_size


def _load_pickled(path: Path) -> Any:
    named = _named_in_pickles(path)
    stand_ins: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (_Dict if _matches(name, DICTS) else _PassedOver, name) for name in named if _matches(name, DICTS + PASSED_OVER)
    ]
    try:
        with torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:
        if reason := _need_of_code(named):
            raise unreadable(path, reason) from None
        raise


def _named_in_pickles(path: Path) -> list[str]:
    """Return the classes and functions that a file of torch.save names, sorted. None of them is imported."""
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            with zipfile.ZipFile(file) as archive:
                pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
                if not pickles:
                    raise unreadable(path, f"it is an archive of {archive.namelist()[0]} and others, not of torch.save")
                return sorted({named for name in pickles for named in _named_in(archive.open(name), 1)})
        file.seek(0)
        first = list(pickletools.genops(file))
        if any(argument == LEGACY_MAGIC for _, argument, _ in first):
            return sorted(set(_named_in(file, LEGACY_PICKLES - 1)))
        named = sorted({_dotted(argument) for opcode, argument, _ in first if opcode.name == "GLOBAL"})
    raise unreadable(path, _need_of_code(named) or "it is a pickle that torch.save did not write")


def _named_in(file: IO[bytes], pickles: int) -> Iterator[str]:
    """Yield what each of so many pickles names, which follow one another in a file."""
    for _ in range(pickles):
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "GLOBAL":
                yield _dotted(argument)


def _dotted(argument: Any) -> str:
    """Return the name of a class or function in Python 3. torch's files have those of Python 2."""
    module, _, name = str(argument).partition(" ")
    return ".".join(NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name)))


def _need_of_code(named: list[str]) -> str | None:
    """Return why code would be needed to read a file that names these classes and functions. None if none would."""
    others = [name for name in named if not _matches(name, PARTS_OF_TENSORS + DICTS + PASSED_OVER)]
    shown = some([name for name in others if not name.startswith("torch.")] or others)
    if any(_matches(name, PARTS_OF_MODELS) for name in others):
        return (
            f"it holds a whole pickled model, which only code can read: {shown}; "
            "where that code is, save the state dict alone: torch.save(model.state_dict(), 'weights.pth')"
        )
    return f"it would run code: {shown}; if you trust it, save its state dict alone where that code is" if others else None


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _torchs_reason(error: Exception) -> str:
    """Return the line of an error in which torch says what it found. It may stand below advice to trust the file."""
    reason = str(error).partition("WeightsUnpickler error: ")[2].strip().partition("\n")[0]
    if reason.startswith("Unsupported operand"):
        return "its pickle is of another protocol than torch.save's own; save it again without pickle_protocol"
    return reason or first_line(error)


def _named_tensors(content: Any, name: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor in nested dicts and lists with its name. A dict that stands at two places is visited at the first."""
    seen = set() if seen is None else seen
    if isinstance(content, Tensor):
        yield name, content
    elif isinstance(content, Mapping | list | tuple) and id(content) not in seen:
        seen.add(id(content))
        items = content.items() if isinstance(content, Mapping) else enumerate(content)
        for key, inner in items:
            yield from _named_tensors(inner, f"{name}.{key}" if name else str(key), seen)
