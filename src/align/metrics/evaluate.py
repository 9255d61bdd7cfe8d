"""All metrics of one model on one target domain."""

from collections.abc import Sequence
from typing import TypedDict

from align.metrics.base import Aggregate, Explained, Metric, Values


class Measurement(TypedDict):
    """A value, averaged over the ``n`` images for which it is defined."""

    metric: str
    value: float
    n: int


def evaluate(explained: Explained, metrics: Sequence[Metric]) -> list[Measurement]:
    """Return every value that ``metrics`` give, except those that are defined for no image.

    All metrics together predict n·(2·curve_steps − 1 + 2·|removed_shares|) + 1 perturbed images, n the number of drawn
    images: curve_steps for insertion, one less for deletion (its ends are known), a forward per share for sufficiency and
    for comprehensiveness, and the empty image. Everything else is small beside that.
    """
    values = [named for metric in metrics for named in metric(explained).items()]
    aggregates = [(name, aggregated(value)) for name, value in values]
    return [Measurement(metric=name, value=value, n=n) for name, (value, n) in aggregates if n > 0]


def aggregated(values: Values) -> Aggregate:
    """Return the mean of the values that are not NaN (NaN itself where there is none), and their number."""
    if isinstance(values, Aggregate):
        return values
    defined = values[~values.isnan()].double()
    return Aggregate(defined.mean().item(), len(defined))
