"""Splitting a data set into images to train on, to select the checkpoint on, and to test on."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from pathlib import PurePosixPath

import pandas as pd

from align.errors import InputError
from align.preparation.settings import SplitSettings

Cell = tuple[str, str]  # domain, class
Signature = tuple[tuple[Cell, int], ...]  # a group's number of images in each cell


def assign_splits(
    manifest: pd.DataFrame,
    splits: SplitSettings,
    test_only: Sequence[str] = (),
    group_pattern: str | None = None,
    paired: bool = False,
) -> pd.DataFrame:
    """Assign the images of every class of every domain to train, validation and test.

    A group of images is never divided. Groups are sorted by a hash of the seed and their name, and this order is cut by the
    shares. It needs no random generator: a split is the same on every machine, and an added image moves only images next to a
    cut. Groups with equally many images of each domain and class are split together. Groups whose kind is too rare to split are
    joined with groups of a similar kind.

    Args:
        manifest: columns path, domain, class, sha256. Images of equal content are in one group.
        splits: shares and seed.
        test_only: domains of which all images are test images, whatever their group.
        group_pattern: regular expression for file names. Images whose names match its first group alike are in one group, in all
            domains that are not ``test_only``.
        paired: whether images of one path in several domains show the same object. Such images are in one group.

    Returns:
        Columns path, domain, class, split, with the rows in the order of ``manifest``.

    Raises:
        InputError: a file name does not match the pattern, or a class has too few groups in a domain.
    """
    shares = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    wanted = [split for split, share in shares.items() if share > 0]
    divided = manifest[~manifest["domain"].isin(test_only)]
    group_of = _groups(divided, group_pattern, paired)
    _require_enough(divided, group_of, len(wanted))
    members: dict[str, Counter[Cell]] = {}
    for path, domain, label in divided[["path", "domain", "class"]].itertuples(index=False):
        members.setdefault(group_of[path], Counter())[domain, label] += 1
    split_of: dict[str, str] = {}
    for stratum in _strata({group: tuple(sorted(counts.items())) for group, counts in members.items()}, len(wanted)):
        ordered = sorted(stratum, key=lambda group: hashlib.sha256(f"{splits.seed}/{group}".encode()).digest())
        counts = split_counts(len(ordered), list(shares.values()))
        split_of |= zip(ordered, (split for split, count in zip(shares, counts) for _ in range(count)))
    divided = divided.assign(split=[split_of[group_of[path]] for path in divided["path"]])
    _require_every_split(divided, wanted)
    split_of_path = dict(zip(divided["path"], divided["split"]))
    return manifest[["path", "domain", "class"]].assign(split=[split_of_path.get(path, "test") for path in manifest["path"]])


def evaluated_split(splits: pd.DataFrame, domain: str, source_domains: Collection[str], target_part: str) -> str | None:
    """Return the split of ``domain`` on which a model trained on ``source_domains`` is tested, None for all of its images.

    If the source domains have a test split, every domain is tested on it, as in JiGen's protocol for VLCS (arXiv:1903.06864). If
    not, they are tested on their validation splits, and another domain on ``target_part`` of it. With ``all`` this is DRE's
    protocol (arXiv:2303.16390), with ``train`` it is DomainBed's (arXiv:2007.01434, ``model_selection.py``: the accuracy on the
    in-split of the test environment).

    Args:
        splits: domain and split of each image, or of each part of a domain.
        domain: the domain that is tested.
        source_domains: the domains that the model was trained on.
        target_part: ``all``, or ``train`` for the training split. A domain that is not split is tested as a whole.
    """
    if (splits["domain"].isin(source_domains) & (splits["split"] == "test")).any():
        return "test"
    if domain in source_domains:
        return "validation"
    is_split = (splits["domain"].eq(domain) & splits["split"].eq("train")).any()
    return "train" if target_part == "train" and is_split else None


def split_counts(number: int, shares: Sequence[float]) -> list[int]:
    """Return the size of each split of ``number`` images or groups: rounded shares, but at least 1 for every positive share.

    Only if ``number`` is less than the number of positive shares, some of these splits stay empty.
    """
    cuts = [round(number * sum(shares[: i + 1])) for i in range(len(shares))]
    counts = [cut - previous for cut, previous in zip(cuts, [0, *cuts])]
    empty = [i for i, share in enumerate(shares) if share > 0 and counts[i] == 0]
    if number >= sum(share > 0 for share in shares):
        for i in empty:
            counts[counts.index(max(counts))] -= 1
            counts[i] += 1
    return counts


def _strata(signatures: Mapping[str, Signature], least: int) -> list[list[str]]:
    """Return the groups in lists that are each split on their own.

    Groups with the same signature form a list. Groups with a rare signature, shared by fewer than ``least`` groups, are joined by
    their cells, then by their classes, and at last all together.
    """
    strata: list[list[str]] = []
    left = list(signatures)
    alike: list[Callable[[Signature], Hashable]] = [
        lambda signature: signature,
        lambda signature: frozenset(cell for cell, _ in signature),
        lambda signature: frozenset(label for (_, label), _ in signature),
        lambda signature: None,
    ]
    for key in alike:
        kinds: dict[Hashable, list[str]] = {}
        for group in left:
            kinds.setdefault(key(signatures[group]), []).append(group)
        strata += [kind for kind in kinds.values() if len(kind) >= least]
        left = [group for kind in kinds.values() if len(kind) < least for group in kind]
    return [*strata, left]


def _groups(images: pd.DataFrame, pattern: str | None, paired: bool) -> dict[str, str]:
    """Return the group of every image. The name of a group is the smallest name that the pattern gives its images."""
    import networkx as nx  # a seventh of a second, which only the job that makes splits has to wait

    name_of = {path: _name(path, pattern) for path in images["path"]}
    alike: nx.Graph[tuple[str, str]] = nx.Graph()
    for path, domain, sha256 in images[["path", "domain", "sha256"]].itertuples(index=False):
        alike.add_edges_from([(("path", path), ("name", name_of[path])), (("path", path), ("content", sha256))])
        if paired:
            alike.add_edge(("path", path), ("pair", path.removeprefix(domain)))
    group_of: dict[str, str] = {}
    for component in nx.connected_components(alike):
        paths = [value for kind, value in component if kind == "path"]
        group_of |= dict.fromkeys(paths, min(name_of[path] for path in paths))
    return group_of


def _name(path: str, pattern: str | None) -> str:
    if pattern is None:
        return path
    match = re.search(pattern, PurePosixPath(path).name)
    if match is None or not match.groups() or match[1] is None:
        raise InputError(
            f"{path}: found nothing in its name for the first group of {pattern!r}, expected the name of the image's group; "
            "correct `split_group:`"
        )
    return match[1]


def _require_enough(images: pd.DataFrame, group_of: Mapping[str, str], least: int) -> None:
    numbers = images.assign(group=images["path"].map(group_of)).groupby(["domain", "class"])["group"].nunique()
    problems = [f"  {'/'.join(cell)}: {number}" for cell, number in zip(numbers.index, numbers) if number < least]
    if problems:
        raise InputError(
            f"found too few images (or groups of images) of a class in a domain, expected at least {least} to split:\n"
            + "\n".join(problems)
            + "\n  add images, leave the class out with `classes:`, or name the domain under `test_only:`"
        )


def _require_every_split(images: pd.DataFrame, expected: Sequence[str]) -> None:
    for (domain, label), cell in images.groupby(["domain", "class"]):
        missing = [split for split in expected if split not in set(cell["split"])]
        if missing:
            raise InputError(
                f"{domain}/{label}: found no group of images for {' and '.join(missing)}, because its groups also hold images of "
                "other domains or classes; correct `split_group:`, or leave the class out with `classes:`"
            )
