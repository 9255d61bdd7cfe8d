"""What lies below a data set's folder, by the names of its files. Snakemake asks for it at every parse, so no image is opened."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import yaml

from align import paths
from align.errors import InputError
from align.registry import require
from align.settings import has_control

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".avif"}
)
# Systems and programs leave these behind. Names that begin with a dot count, too.
LEFTOVER = re.compile(r"thumbs\.db|desktop\.ini|__macosx|@.*|#recycle|\$recycle\.bin|lost\+found|system volume information", re.I)
SPLIT = re.compile(r"(train|training|val|valid|validation|test|testing|dev)([ _-]?(set|split|data|images))?[ _-]?\d*", re.I)
MASKS = re.compile(
    r"(.*[ _.-])?(masks?|seg|segs|segmentations?|segmentation ?(class|object)|annotations?|labels?|ground[ _-]?truths?"
    r"|gt|trimaps?)",
    re.I,
)
MASK_OF = re.compile(r"(?P<stem>.+?)[ _.-](mask|masks|seg|segmentation|gt|label|trimap)([ _.-]?\d+)?", re.I)
LEFT_BEHIND = "hidden, or left behind by a system"
NOT_CHOSEN = "folder not among `{}:`"
SET_APART = "folder of ground truth or results"
OWN = frozenset({"settings.json", "acquisition.json", ".snakemake_timestamp"})  # the pipeline writes these into folders it makes
DOCUMENTS = frozenset(
    {".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".html", ".htm", ".pdf", ".doc", ".docx"}
    | {".odt", ".py", ".ipynb", ".sh", ".log", ".zip", ".tar", ".gz", ".tgz"}
)  # never images, so a folder of them is passed over and not lost
DEEPEST = 4  # levels below <domain>/<class>/ in which images are looked for, to say that they are passed over
FORM = "<domain>/<class>/<image>"
NAMED_AT_MOST = 5


class PassedOver(NamedTuple):
    """Files below a data set's folder that are not part of the data set.

    Attributes:
        place: the folder, relative to the data set's folder.
        kind: what they are, such as ``.txt`` or ``mask beside its image``.
        number: how many there are.
        example: the name of one of them.
    """

    place: str
    kind: str
    number: int
    example: str


@dataclass
class Scan:
    """What lies below a data set's folder.

    Attributes:
        images: the file names of the images by domain and class, all sorted.
        passed_over: everything else, with its number.
    """

    images: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    passed_over: list[PassedOver] = field(default_factory=list)

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the domains."""
        return tuple(self.images)

    @property
    def all_domains(self) -> tuple[str, ...]:
        """Return the domains, and the folders that are not among the chosen domains."""
        not_chosen = (each.place for each in self.passed_over if each.kind == NOT_CHOSEN.format("domains"))
        return (*self.images, *not_chosen)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes of any domain, sorted."""
        return tuple(sorted({label for classes in self.images.values() for label in classes}))

    @property
    def files(self) -> Iterator[str]:
        """Yield every image as ``<domain>/<class>/<name>``."""
        for domain, classes in self.images.items():
            for label, names in classes.items():
                yield from (f"{domain}/{label}/{name}" for name in names)


def is_image(path: Path) -> bool:
    """Return whether ``path`` has the name of an image that the pipeline reads, and is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_leftover(path.name)


def is_leftover(name: str) -> bool:
    """Return whether a file or folder is hidden, or is one that systems leave behind, such as ``Thumbs.db``."""
    return name.startswith(".") or LEFTOVER.fullmatch(name) is not None


def scan(
    root: Path, domains: Sequence[str] = (), classes: Sequence[str] | None = None, annotations: Collection[Path] = ()
) -> Scan:
    """Return the images of a data set and what is passed over below its folder.

    Args:
        root: the data set's folder. Links in it are followed. The folder of results, if it lies below, is not looked into.
        domains: the domains to use; by default every folder of ``root`` that has class folders with images.
        classes: the classes to use; by default every class of any domain.
        annotations: folders of ground truth. If they lie below ``root``, they are no domains and no classes.

    Raises:
        InputError: there is no such folder, or it has no images; a folder would be lost because nothing in it can be read; a
            folder that the configuration does not name looks like a split or like masks; or a domain has no image of a class.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: found no such folder, expected {FORM} in it; correct `root:`")
    loose, folders = _content(root)
    if not folders:
        raise _no_images(root, loose)
    for domain in domains:
        require("domain", domain, folders)
    apart = {folder.resolve() for folder in (*annotations, Path(paths.RESULTS))}
    found, lost = Scan(), list[str]()
    found.passed_over += _by_kind(".", sorted({*loose} - OWN), "in no class folder")
    for domain in folders:
        if (root / domain).resolve() in apart:
            found.passed_over.append(PassedOver(domain, SET_APART, 1, domain))
        elif domains and domain not in domains:
            found.passed_over.append(PassedOver(domain, NOT_CHOSEN.format("domains"), 1, domain))
        else:
            labels, passed_over, lost_here = _scan_domain(root, domain, classes, apart)
            if not labels and not domains and MASKS.fullmatch(domain):
                found.passed_over.append(PassedOver(domain, "folder of masks", 1, domain))
                continue
            if labels:
                found.images[domain] = labels
            found.passed_over += passed_over
            lost += lost_here
    for name in (*found.domains, *found.classes):
        if has_control(name):
            raise InputError(f"{root}: found a folder with a control character in its name ({name!r}); rename it")
    _require_nothing_lost(root, lost, deeper=folders[0] if len(folders) == 1 and not found.images else None)
    if not (found.images or domains):
        raise _no_images(root, loose)
    if not domains:
        _ask("domains", root, found.domains, {"splits": SPLIT, "masks": MASKS})
    if classes is None:
        _ask("classes", root, found.classes, {"masks": MASKS})
    _require_every_class(root, found, domains or found.domains, classes or found.classes)
    return found


def list_images(root: Path, domains: Iterable[str]) -> list[str]:
    """Return every image of ``domains`` as ``<domain>/<class>/<name>``, sorted, of all classes."""
    classes = [f"{domain}/{label}" for domain in domains if (root / domain).is_dir() for label in _content(root / domain)[1]]
    return sorted(f"{place}/{name}" for place in classes for name in _images_and_masks(_content(root / place)[0])[0])


def _scan_domain(
    root: Path, domain: str, classes: Sequence[str] | None, apart: Collection[Path]
) -> tuple[dict[str, list[str]], list[PassedOver], list[str]]:
    """Return the images of a domain by class, what is passed over, and the folders that would be lost."""
    loose, folders = _content(root / domain)
    labels: dict[str, list[str]] = {}
    passed_over, lost = list(_by_kind(domain, loose, "in no class folder")), list[str]()
    for label in folders:
        place = f"{domain}/{label}"
        if (root / place).resolve() in apart:
            passed_over.append(PassedOver(place, SET_APART, 1, label))
            continue
        if classes is not None and label not in classes:
            passed_over.append(PassedOver(place, NOT_CHOSEN.format("classes"), 1, label))
            continue
        names, nested = _content(root / place)
        images, masks = _images_and_masks(names)
        deeper = [image for folder in nested for image in _images_below(root / place / folder, folder)]
        passed_over += _by_kind(place, sorted({*names}.difference(images, masks)), "")
        passed_over += _grouped(place, "mask beside its image", masks)
        passed_over += _grouped(place, "image in a folder below its class", deeper)
        if images:
            labels[label] = images
        elif others := [*deeper, *filter(_may_be_image, names)]:
            lost.append(f"  {place}/: found no image directly in it{_instead(others)}")
    if not labels and (pictures := [name for name in loose if is_image(Path(name))]):
        lost.append(f"  {domain}/: found no class folder with images in it{_instead(pictures)}")
    return labels, passed_over, lost


def _no_images(root: Path, loose: Sequence[str]) -> InputError:
    """Return the error that a folder, with ``loose`` files directly in it, is no data set."""
    pictures = [name for name in loose if is_image(Path(name))]
    return InputError(
        f"{root}: found no {FORM} in it{_instead(pictures)}; correct `root:`, or remove the folder, so that its source makes it "
        "again"
    )


def _instead(names: Sequence[str]) -> str:
    return f", but {len(names)} other file{'s' * (len(names) > 1)} such as {names[0]!r}" if names else ""


def _content(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the files and of the folders in ``folder``, each sorted. Broken links count as files.

    Folders that systems leave behind count as files: nothing in them is looked at.
    """
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (folders if entry.is_dir() and not is_leftover(entry.name) else files).append(entry.name)
    return sorted(files), sorted(folders)


def _images_below(folder: Path, place: str, level: int = 1) -> Iterator[str]:
    files, folders = _content(folder)
    yield from (f"{place}/{name}" for name in files if is_image(Path(name)))
    if level < DEEPEST:
        for name in folders:
            yield from _images_below(folder / name, f"{place}/{name}", level + 1)


def _images_and_masks(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the images of a class, and those whose name is that of another image and ``_mask`` or the like."""
    images = [name for name in names if is_image(Path(name))]
    stems = {Path(name).stem for name in images}
    matches = {name: MASK_OF.fullmatch(Path(name).stem) for name in images}
    masks = [name for name, match in matches.items() if match and match["stem"] in stems]
    return [name for name in images if name not in set(masks)], masks


def _may_be_image(name: str) -> bool:
    return not is_leftover(name) and Path(name).suffix.lower() not in DOCUMENTS


def _by_kind(place: str, names: Iterable[str], why_images: str) -> Iterator[PassedOver]:
    """Yield the files of a folder that are passed over, by kind. Images are passed over for the reason ``why_images``."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        if is_leftover(name):
            kind = LEFT_BEHIND
        elif is_image(Path(name)):
            kind = f"image {why_images}"
        else:
            kind = f"{Path(name).suffix.lower()} file" if Path(name).suffix else "file without a suffix"
        kinds.setdefault(kind, []).append(name)
    for kind, files in sorted(kinds.items()):
        yield from _grouped(place, kind, files)


def _grouped(place: str, kind: str, names: Sequence[str]) -> Iterator[PassedOver]:
    if names:
        yield PassedOver(place, kind, len(names), names[0])


def _require_nothing_lost(root: Path, lost: Sequence[str], deeper: str | None) -> None:
    """Refuse a folder of which parts would be lost. All of it may lie one folder deeper."""
    if lost:
        remedy = f"correct `root:` if {root / deeper} is the data set, " if deeper else ""
        raise InputError(
            f"{root}: found folders of which nothing would be read, expected {FORM} with images that Pillow reads "
            f"({', '.join(sorted(IMAGE_SUFFIXES))}):\n"
            + "\n".join(lost[:NAMED_AT_MOST])
            + (f"\n  … and {len(lost) - NAMED_AT_MOST} more" if len(lost) > NAMED_AT_MOST else "")
            + f"\n  {remedy}convert or move the files, or name the folders to use with `domains:` and `classes:`"
        )


def _ask(setting: str, root: Path, names: Sequence[str], kinds: Mapping[str, re.Pattern[str]]) -> None:
    """Ask about names that look like something else. Names in the configuration are an answer."""
    for kind, pattern in kinds.items():
        if alike := [name for name in names if pattern.fullmatch(name)]:
            others = [name for name in names if name not in alike]
            leave = f"leave them out with `{setting}: {_flow(others)}`" if others else f"put images into {FORM}"
            raise InputError(
                f"{root}: found {', '.join(map(repr, alike))} among the {setting}, which look like {kind}, not {setting}; if "
                f"they are {setting}, say so with `{setting}: {_flow(names)}`; if not, {leave}"
            )


def _flow(names: Sequence[str]) -> str:
    return yaml.safe_dump(list(names), default_flow_style=True, allow_unicode=True, width=10**6).strip()


def _require_every_class(root: Path, found: Scan, domains: Sequence[str], classes: Sequence[str]) -> None:
    problems = []
    for domain in domains:
        there = found.images.get(domain, {})
        gone = [label for label in classes if label not in there]
        if gone:
            problems.append(f"  domain {domain!r}: found no images in {', '.join(f'{label}/' for label in gone)}")
    if problems:
        raise InputError(
            f"{root}: expected images of every class ({', '.join(classes)}) in every domain\n"
            + "\n".join(problems)
            + "".join(f"\n  {text}" for text in look_alikes(classes))
            + "\n  add images, or choose with `domains:` and `classes:`"
        )


def look_alikes(names: Sequence[str]) -> list[str]:
    """Return a sentence for each two names that look alike and differ. It shows where they differ, and says why that matters."""
    return [
        f"{one!a} and {other!a} look alike, but differ in {_difference(one, other)}: they are two names; rename one"
        for one, other in combinations(names, 2)
        if _look(one) == _look(other)
    ]


def _look(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _difference(one: str, other: str) -> str:
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        return "how their letters are put together (Unicode's composed and decomposed forms)"
    if "".join(one.split()) == "".join(other.split()):
        return "spaces"
    if one.casefold() == other.casefold():
        return "capital letters"
    return "letters or spaces"
