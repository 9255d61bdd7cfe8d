"""What a run reports of each epoch, in long form."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from align.errors import InputError
from align.methods.align.collapse import explanation_drift, mask_collapse
from align.methods.base import Failure


class NonFiniteLossError(InputError):
    """A loss term became NaN or infinite: the run stops, and the message names the epoch and the term."""


class History:
    """Named quantities by epoch: columns epoch, phase, name, value.

    Args:
        rows: what an interrupted run has reported already; the list grows.
    """

    def __init__(self, rows: list[tuple[int, str, str, float]] | None = None) -> None:
        self.rows = [] if rows is None else rows

    def add(self, epoch: int, phase: str, values: Mapping[str, float]) -> None:
        """Append one row for each value.

        Raises:
            NonFiniteLossError: a value is NaN or infinite.
        """
        for name, value in values.items():
            if not math.isfinite(value):
                raise NonFiniteLossError(
                    f"epoch {epoch} ({phase}): {name} is {value}, expected a finite number; lower training.learning_rate "
                    "or the weight of that term"
                )
            self.rows.append((epoch, phase, name, value))

    def frame(self) -> pd.DataFrame:
        """Return all rows as a table."""
        return pd.DataFrame(self.rows, columns=["epoch", "phase", "name", "value"])

    def series(self, name: str) -> dict[int, float]:
        """Return the values of ``name`` by epoch."""
        return {epoch: value for epoch, _, found, value in self.rows if found == name}

    def failures(self) -> list[Failure]:
        """Return the failure signatures of a finished run."""
        areas, spreads, outside = (self.series(f"validation_{name}") for name in ("mask_area", "mask_spread", "energy_outside"))
        if not outside:
            return []
        accuracies = self.series("validation_accuracy")
        drift = explanation_drift([accuracies[epoch] for epoch in outside], list(outside.values()), min(outside))
        return [failure for failure in (mask_collapse(areas, spreads), drift) if failure]


def mean_terms(steps: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Return the mean of each named scalar over steps, with one transfer from the device."""
    if not steps:
        return {}
    names = list(steps[0])
    means = torch.stack([torch.stack([step[name] for step in steps]).mean() for name in names])
    return dict(zip(names, means.tolist()))
