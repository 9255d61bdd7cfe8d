"""The numbers of images of every domain: all, those of each split, and the published number."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from align.results.titles import plain
from align.tables.printing import Block, Cell, Table
from align.verdict.rule import FEWEST_IMAGES

CAPTION = """
Images of each domain, as listed and split for this report. Published numbers stand beside them if there are any. A data
set that is not whole carries a warning. What lies in its folder and is not part of it is counted. So are images that it
has more than once, exactly or nearly so: of a perceptual hash's 64 bits, 3 may differ. For a data set that was made from
its archives, the lines below it say what was counted on the way, such as images that were left out.

For a data set with ground truth, a further part shows the annotation files that have the name of an image, those that are
used, and the mean share of an image that its object covers. The lines below it say why files are not used and what was
changed, each with the name of one file.
"""

SPLITS = ("train", "validation", "test")
TRUTH = ("annotations", "annotations_used", "images_with_mask", "mean_area")
TRUTH_HEADER = ("Domain", "Images", "Annotations", "Used", "Not used", "Images with a mask", "Mean area, %")
HEADER = ("Domain", "Images", "Train", "Validation", "Test", "Published", "Difference")
PASSED_OVER = ("What", "Number", "Places", "For example")
TOTAL = "all domains"


class DatasetCounts(NamedTuple):
    """What is known of the numbers of images of a data set.

    Attributes:
        splits: ``splits.csv``.
        counts: ``counts.csv``.
        passed_over: ``passed_over.csv``.
        duplicates: ``duplicates.csv``.
        acquisition: numbers that were counted when the folder was made from its archives; empty for other folders.
        ground_truth: for each domain, the account of :func:`align.preparation.ground_truth.pack_ground_truth`; empty for a data
            set without ground truth.
    """

    splits: pd.DataFrame
    counts: pd.DataFrame
    passed_over: pd.DataFrame
    duplicates: pd.DataFrame
    acquisition: Mapping[str, Any]
    ground_truth: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def data(datasets: Mapping[str, DatasetCounts]) -> Table:
    """Return blocks for each data set, with a row for each domain; notes say what was left out.

    The first block has the numbers of images and a row for their sum. The second has the annotations, if there are any.
    """
    tables = {name: _numbers(counts).assign(dataset=name) for name, counts in datasets.items()}
    blocks: list[Block] = []
    for name, counts in datasets.items():
        blocks.append(Block(plain(name), HEADER, _rows(tables[name]), " ".join(_remarks(counts))))
        if len(counts.passed_over):
            blocks.append(Block(f"{plain(name)}: passed over", PASSED_OVER, _passed_over(counts.passed_over)))
        if counts.ground_truth:
            title = f"{plain(name)}: ground truth"
            blocks.append(Block(title, TRUTH_HEADER, list(_truth_rows(counts)), " ".join(_truth_remarks(counts))))
    columns = ["dataset", "domain", "images", *SPLITS, "published", "difference", *TRUTH]
    return Table(pd.concat(tables.values(), ignore_index=True)[columns], blocks)


def _numbers(dataset: DatasetCounts) -> pd.DataFrame:
    published = dataset.counts.groupby("domain")["published"].sum(min_count=1)  # a published domain may have no image here
    by_split = pd.crosstab(dataset.splits["domain"], dataset.splits["split"])
    by_split = by_split.reindex(index=published.index, columns=SPLITS, fill_value=0)
    numbers = by_split.assign(images=by_split.sum(axis=1), published=published)
    numbers.loc[TOTAL] = numbers.sum(min_count=len(numbers))
    numbers = numbers.astype("Int64")
    truth = pd.DataFrame({domain: _truth_numbers(account) for domain, account in dataset.ground_truth.items()}, TRUTH).T
    numbers = numbers.assign(difference=numbers["images"] - numbers["published"]).join(truth)
    return numbers.rename_axis("domain").reset_index()


def _truth_numbers(account: Mapping[str, Any]) -> tuple[int, int, int, float | None]:
    """Return the numbers in the columns ``TRUTH``."""
    files, used = (sum(entry[key] for entry in account["entries"]) for key in ("files", "used"))
    return files, used, account["images_with_mask"], account["mean_area"]


def _truth_rows(dataset: DatasetCounts) -> Iterator[list[Cell]]:
    for domain, account in dataset.ground_truth.items():
        files, used, images, area = _truth_numbers(account)
        numbers = [account["images"], files, used, files - used, images]
        texts = [plain(domain), *(f"{number:,}" for number in numbers), "" if area is None else f"{100 * area:.1f}"]
        yield [Cell(text) for text in texts]


def _truth_remarks(dataset: DatasetCounts) -> Iterator[str]:
    """Yield what was not used and why, then what was changed, then the files of a folder that belong to no image."""
    for domain, account in dataset.ground_truth.items():
        for entry in account["entries"]:
            for reason, some in entry["not_used"].items():
                yield f"{plain(domain)}, {entry['folder']}: {some['files']:,} not used, because {reason}; {_such_as(some)}."
    for domain, account in dataset.ground_truth.items():
        for entry in account["entries"]:
            for remark, some in entry["remarks"].items():
                yield f"{plain(domain)}, {entry['folder']}: {some['files']:,} used, {remark}; {_such_as(some)}."
    texts = {
        f"{entry['folder']}: {some['files']:,} files {what}; {_such_as(some)}."
        for account in dataset.ground_truth.values()
        for entry in account["entries"]
        for what, some in (("have no image's name", entry["without_image"]), ("are of another kind", entry["other_files"]))
        if some["files"]
    }
    yield from sorted(texts)


def _such_as(some: Mapping[str, Any]) -> str:
    return f"such as {some['examples'][0]}"


def _rows(numbers: pd.DataFrame) -> list[list[Cell]]:
    columns = ["images", *SPLITS, "published", "difference"]
    return [
        [Cell(plain(domain)), *(Cell("" if pd.isna(value) else f"{value:,}") for value in row)]
        for domain, row in zip(numbers["domain"], numbers[columns].to_numpy())
    ]


def _passed_over(passed_over: pd.DataFrame) -> list[list[Cell]]:
    return [
        [
            Cell(str(kind)),
            Cell(f"{rows['number'].sum():,}"),
            Cell(f"{len(rows):,}"),
            Cell(f"{rows['place'].iloc[0]}: {rows['example'].iloc[0]}"),
        ]
        for kind, rows in passed_over.groupby("kind")
    ]


def _copies(splits: pd.DataFrame, duplicates: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence on images of equal content, and one on images that look nearly the same."""
    split_of = dict(zip(splits["path"], splits["split"]))
    words = {"exact": "have the content of another image", "near": "look nearly the same as another image"}
    for copy, rows in duplicates.groupby("copy"):
        elsewhere = (rows["domain"] != rows["other_domain"]).sum()
        divided = sum(split_of[path] != split_of[other] for path, other in zip(rows["path"], rows["copy_of"]))
        relabelled = sum(path.split("/")[1] != other.split("/")[1] for path, other in zip(rows["path"], rows["copy_of"]))
        yield (
            f"{len(rows):,} images {words[str(copy)]}: {elsewhere:,} in another domain, {relabelled:,} in another class, "
            f"{divided:,} in another split."
        )


def _remarks(dataset: DatasetCounts) -> Iterator[str]:
    """Yield a warning where the data set is not as published, then the numbers that were counted when its folder was made."""
    known = dataset.counts.dropna(subset="published")
    if (known["images"] != known["published"]).any():
        yield "Warning: not the published data set; numbers of images differ, and the configuration allows it."
    if few := [f"{plain(domain)} {number}" for domain, number in _test_images(dataset).items() if 0 < number < FEWEST_IMAGES]:
        yield f"Fewer than {FEWEST_IMAGES} test images, so means over them say little: {', '.join(few)}."
    for missing in dataset.acquisition.get("incomplete", []):
        yield f"Warning: {missing}, and the configuration allows it."
    yield from _copies(dataset.splits, dataset.duplicates)
    for name, number in _flat(dataset.acquisition):
        yield f"{name[0].upper()}{name[1:]}: {number:,}."


def _test_images(dataset: DatasetCounts) -> Mapping[str, int]:
    """Return the number of images in the test split of each domain."""
    numbers = dataset.splits["split"].eq("test").groupby(dataset.splits["domain"]).sum()
    return {str(domain): int(number) for domain, number in numbers.items()}


def _flat(counted: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in counted.items():
        if isinstance(value, Mapping):
            yield from ((f"{plain(name)}, {inner}", number) for inner, number in _flat(value))
        elif isinstance(value, int):
            yield plain(name), value
