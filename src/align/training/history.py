"""The quantities that a run reports for each epoch, in long form."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from align.errors import InputError


class NonFiniteLossError(InputError):
    """A loss term became NaN or infinite. The run stops, and the message names the epoch and the term."""


class History:
    """Named quantities by epoch, with columns epoch, phase, name and value.

    Args:
        rows: the rows that an interrupted run has reported already. The list grows.
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
                    "(or the method's own learning_rate) or the weight of that term"
                )
            self.rows.append((epoch, phase, name, value))

    def frame(self) -> pd.DataFrame:
        """Return all rows as a table."""
        return pd.DataFrame(self.rows, columns=["epoch", "phase", "name", "value"])

    def by_name(self) -> dict[str, dict[int, float]]:
        """Return the values of each quantity by epoch."""
        series: dict[str, dict[int, float]] = {}
        for epoch, _, name, value in self.rows:
            series.setdefault(name, {})[epoch] = value
        return series


def mean_terms(steps: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Return the mean of each named scalar over steps. There is only one transfer from the device."""
    if not steps:
        return {}
    names = list(steps[0])
    means = torch.stack([torch.stack([step[name] for step in steps]).mean() for name in names])
    return dict(zip(names, means.tolist()))
