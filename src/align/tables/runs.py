"""Every run: its selected epoch, its time and memory, and its failures."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from align.methods.naming import method_title
from align.results.collect import trained_on
from align.results.run_warnings import Account, failures_text, mixed_precisions, mixed_versions
from align.results.titles import plain, setting_title
from align.tables.printing import Block, Cell, Table

CAPTION = """
Every training run: the epoch and phase that validation accuracy selected, what the run took, and the failures that were
detected, by name. *Mask collapse* means that the mask keeps everything or nothing, or is grey all over. *Explanation
drift* means that saliency leaves the mask while accuracy rises. A failed run is not hidden, and the other tables
include it. If some training images of a method that is given masks had none, a note gives their number. Device and
precision are those of the training: evaluation is in float32 everywhere. If runs side by side were trained in several
precisions or with several versions of a library, a warning names them.
"""

COLUMNS = ("selected_epoch", "selected_phase", "validation_accuracy", "wall_seconds", "images_per_second", "peak_memory_bytes")
MASKS = ("training_images", "training_images_with_masks")
HEADER = (
    "Source",
    "Method",
    "Seed",
    "Selected epoch",
    "Phase",
    "Validation accuracy, %",
    "Seconds",
    "Images/s",
    "Peak memory, MiB",
    "Device",
    "Precision",
    "Failures",
)


def runs(accounts: Sequence[Account]) -> Table:
    """Return a row for each run, in the order of ``accounts``.

    Args:
        accounts: the content of each ``run.json``.
    """
    data = pd.DataFrame([_row(account) for account in accounts])
    blocks = [
        Block(
            setting_title(*setting),
            HEADER,
            [_cells(row) for _, row in rows.iterrows()],
            " ".join([*_mixtures([accounts[position] for position in rows.index]), *_without_masks(rows)]),
        )
        for setting, rows in data.groupby(["dataset", "protocol"], sort=False)
    ]
    return Table(data, blocks)


def _mixtures(accounts: Sequence[Account]) -> list[str]:
    return [f"Warning: {said}" for said in (mixed_versions(accounts), mixed_precisions(accounts)) if said]


def _without_masks(rows: pd.DataFrame) -> list[str]:
    """Return a sentence for each source and method that is given masks and had none for some training images."""
    some = rows[rows["training_images_with_masks"] < rows["training_images"]].drop_duplicates(["source_domain", "method"])
    return [
        f"{method_title(row['method'])}, trained on {plain(row['source_domain'])}: {row['training_images_with_masks']:.0f} of "
        f"{row['training_images']:.0f} training images had a mask."
        for _, row in some.iterrows()
    ]


def _row(account: Account) -> dict[str, Any]:
    settings = account["settings"]
    return {
        "dataset": settings["dataset"],
        "protocol": settings["protocol"],
        "source_domain": trained_on(settings["protocol"], settings["domain"]),
        "method": settings["method"],
        "seed": int(settings["seed"]),
        **{column: account[column] for column in COLUMNS},
        **{column: account.get(column) for column in MASKS},  # older accounts have none
        "device": account["device"],
        "precision": account["precision"],
        "failures": failures_text(account),
        "torch": account["versions"]["torch"],
    }


def _cells(row: pd.Series) -> list[Cell]:
    texts = [
        plain(row["source_domain"]),
        method_title(row["method"]),
        str(row["seed"]),
        str(row["selected_epoch"]),
        plain(row["selected_phase"]),
        f"{100 * row['validation_accuracy']:.1f}",
        f"{row['wall_seconds']:.1f}",
        f"{row['images_per_second']:.0f}",
        f"{row['peak_memory_bytes'] / 2**20:.0f}",
        row["device"],
        row["precision"],
        row["failures"] or "none",
    ]
    return [Cell(text) for text in texts]
