"""The photographs that a command is given: files, and folders with everything below them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from align.datasets.scan import IMAGE_SUFFIXES
from align.errors import InputError
from align.trained.model import BATCH_SIZE, Explanation, Model, Photograph


class Found(NamedTuple):
    """A photograph, and the name of what is made of it: a path without suffix, relative to the folder of the results."""

    path: Path
    name: Path


def find_photographs(places: Iterable[Path]) -> list[Found]:
    """Return the photographs of files and folders, in the order of their names within a folder.

    Raises:
        InputError: a place does not exist, a folder has no image, or two photographs would have the same name.
    """
    found = [photograph for place in places for photograph in _below(place)]
    first: dict[Path, Path] = {}
    for path, name in found:
        if name in first and first[name] != path:
            raise InputError(
                f"{path}: found a second photograph with the name {name} (the first is {first[name]}), expected names that "
                "differ; give the folder above both, or explain them one after the other"
            )
        first[name] = path
    return [Found(path, name) for name, path in first.items()]


def explained(
    model: Model, photographs: Sequence[Found], attribution: str, errors: list[InputError]
) -> Iterator[tuple[Path, Explanation]]:
    """Yield the name and the explanation of each photograph that can be read. Why others cannot is added to ``errors``."""
    for start in range(0, len(photographs), BATCH_SIZE):
        read: list[tuple[Path, Photograph]] = []
        for path, name in photographs[start : start + BATCH_SIZE]:
            try:
                read.append((name, model.photograph(path)))
            except InputError as error:
                errors.append(error)
        names, some = [name for name, _ in read], [photograph for _, photograph in read]
        yield from zip(names, model.explain(some, attribution))


def _below(place: Path) -> Iterator[Found]:
    if place.is_dir():
        files = sorted(path for path in place.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and not _is_hidden(path, place))
        if not files:
            raise InputError(
                f"{place}: found no image in this folder, expected files with one of the endings "
                f"{', '.join(sorted(IMAGE_SUFFIXES))}; name another folder"
            )
        stems = [file.with_suffix("") for file in files]
        for file, stem in zip(files, stems):
            name = stem if stems.count(stem) == 1 else file  # a.jpg and a.png keep their endings
            yield Found(file, name.relative_to(place))
    elif place.is_file():
        yield Found(place, Path(place.stem))
    else:
        raise InputError(f"{place}: found nothing there, expected a photograph or a folder of photographs; correct the path")


def _is_hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)
