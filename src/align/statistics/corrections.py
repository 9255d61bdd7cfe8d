"""Corrections of p-values for the number of tests."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values of one family, corrected for their number (Holm, Scandinavian Journal of Statistics 6, 1979).

    A p-value that is NaN stays so, and does not count.
    """
    order = np.argsort(p_values, kind="stable")  # NaN comes last
    tests = int((~np.isnan(p_values)).sum())
    factors = np.arange(tests, tests - len(order), -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(1, np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors))
    return [float(p) for p in corrected]
