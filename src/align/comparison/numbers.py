"""The numbers of two folders of results, paired by image and seed, with the statistics of the verdict."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import pandas as pd

from align.comparison.results import Results
from align.configuration.run import Run
from align.metrics import MEASURES
from align.results.collect import read_results
from align.statistics.crossed_variance import estimate
from align.verdict.evaluations import Evaluations, MethodSample, Setting

FIRST, SECOND = "first", "second"
COLUMNS = [
    "dataset", "source_domain", "distribution", "method", "metric", "seeds", "images",
    FIRST, SECOND, "difference", "low", "high", "p",
]  # fmt: skip


def paired_numbers(first: Results, second: Results) -> pd.DataFrame:
    """Return a row for each measure of each method that both folders have, in and out of distribution.

    The rows are of runs with one source domain. The difference is second minus first, the mean over the common targets, on the
    same test images and with the same seeds. Its interval covers 95 %, and neither it nor p is corrected for the number of rows.

    Raises:
        InputError: a method was not tested on the same images in both folders.
    """
    common = [run for run in first.images if run in second.images]
    rows: list[tuple[object, ...]] = []
    for (dataset, domain, method), group in groupby(sorted(common), lambda run: (run.dataset, run.domain, run.method)):
        evaluations = Evaluations(_both(list(group), first, second))
        for distribution, settings in groupby(
            sorted(evaluations.settings, key=lambda setting: setting.distribution), lambda setting: setting.distribution
        ):
            labels = (dataset, domain, distribution, method)
            rows += [(*labels, *row) for row in _compared(evaluations, list(settings))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _both(runs: Sequence[Run], first: Results, second: Results) -> Iterator[tuple[Run, pd.DataFrame]]:
    """Yield the runs of one method in both folders, the folder in the place of the method."""
    for name, results in ((FIRST, first), (SECOND, second)):
        for run in runs:
            yield run._replace(method=name), read_results(results.images[run])


def _compared(evaluations: Evaluations, settings: Sequence[Setting]) -> Iterator[tuple[object, ...]]:
    for metric in MEASURES:
        measured = [evaluations.measure(setting, (FIRST, SECOND), metric) for setting in settings]
        if not all(len(samples) == 2 for samples in measured):
            continue
        pairs: list[tuple[MethodSample, MethodSample]] = [(samples[FIRST], samples[SECOND]) for samples in measured]
        seeds = [seed for seed in pairs[0][0].seeds if seed in pairs[0][1].seeds]
        sides = [[sample.for_seeds(seeds) for sample in samples] for samples in zip(*pairs)]
        difference = estimate([theirs.minus(ours) for ours, theirs in zip(*sides)])
        images = min(sample.by_image.shape[1] for sample in sides[0])
        values = [estimate(side).value for side in sides]
        yield metric, len(seeds), images, *values, difference.value, difference.low, difference.high, difference.p
