"""What was measured of each test image, by run, as the verdict needs it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from align.configuration.runs import Run
from align.errors import InputError
from align.statistics.crossed_bootstrap import Sample, aucs, drawn, generator_of, means


class Setting(NamedTuple):
    """One source domain and one target of a data set."""

    dataset: str
    source: str
    target: str

    @property
    def distribution(self) -> str:
        """Return ``in`` where the target was trained on, else ``out``."""
        return "in" if self.source == self.target else "out"


class Measured(NamedTuple):
    """A metric of one method in one setting: its sample over ``seeds``, on ``images`` test images."""

    seeds: tuple[int, ...]
    sample: Sample
    images: int

    def of(self, seeds: Sequence[int]) -> Sample:
        """Return the sample of some of the seeds, in the given order."""
        chosen = [self.seeds.index(seed) for seed in seeds]
        return Sample(self.sample.of_seeds[chosen], self.sample.of_draws[:, chosen])


class Evaluations:
    """Per-image results of the runs of the single-source protocol."""

    def __init__(self, images: Iterable[tuple[Run, pd.DataFrame]]) -> None:
        """Take each such run with the content of its ``images.csv.gz``, one after the other: together they may fill gigabytes."""
        self._runs: dict[Setting, dict[str, dict[int, pd.DataFrame]]] = {}
        for run, frame in images:
            for target, rows in frame.groupby("target_domain", sort=False):
                setting = Setting(run.dataset, run.domain, str(target))
                self._runs.setdefault(setting, {}).setdefault(run.method, {})[run.seed] = rows
        self._draws = cache(lambda dataset, target, n: drawn(n, generator_of(dataset, target)))
        self._aucs = cache(self._auc)

    @property
    def settings(self) -> list[Setting]:
        """Every setting of which something was measured."""
        return list(self._runs)

    def methods(self, setting: Setting) -> Collection[str]:
        """Return the methods and variants that ran in a setting."""
        return self._runs[setting].keys()

    def measure(self, setting: Setting, methods: Collection[str], metric: str) -> dict[str, Measured]:
        """Return a metric of each of ``methods`` that ran and of which it was measured.

        All are measured on the same images: those of which the metric is defined for every method and seed.

        Raises:
            InputError: two runs were not evaluated on the same images.
        """
        runs = {method: of_seeds for method, of_seeds in self._runs[setting].items() if method in methods}
        self._require_same_images(setting, runs)
        if metric == "auc":
            found = {method: self._aucs(setting, method) for method in runs}
            return {method: measured for method, measured in found.items() if measured}
        stacked = {
            method: np.stack([rows[metric].to_numpy(float) for rows in of_seeds.values()])
            for method, of_seeds in runs.items()
            if all(metric in rows for rows in of_seeds.values())
        }
        if not stacked:
            return {}
        defined = ~np.isnan(np.concatenate(list(stacked.values()))).any(axis=0)
        if not defined.any():
            return {}
        n = int(defined.sum())
        # Which images are drawn depends on how many there are, and on nothing else of the methods.
        draws = self._draws(setting.dataset, setting.target, n)
        return {method: Measured(tuple(runs[method]), means(v[:, defined], draws), n) for method, v in stacked.items()}

    def _auc(self, setting: Setting, method: str) -> Measured | None:
        """Return the AUC of a method, None where the target has images of one class only."""
        of_seeds = self._runs[setting][method]
        first = next(iter(of_seeds.values()))
        columns = [column for column in map(str, first) if column.startswith("p:")]
        labels = pd.Index(columns).get_indexer(pd.Index("p:" + first["class"]))
        if len(np.unique(labels)) < 2:
            return None
        probabilities = np.stack([rows[columns].to_numpy(float) for rows in of_seeds.values()])
        draws = self._draws(setting.dataset, setting.target, len(first))
        return Measured(tuple(of_seeds), aucs(probabilities, labels, draws), len(first))

    def _require_same_images(self, setting: Setting, runs: Mapping[str, Mapping[int, pd.DataFrame]]) -> None:
        expected = None
        for method, seed, rows in _flat(runs):
            paths = rows["path"].to_numpy()
            expected = paths if expected is None else expected
            if not np.array_equal(paths, expected):
                raise InputError(
                    f"{setting.dataset}, {setting.source} → {setting.target}: found other test images of {method}, seed {seed}, "
                    "than of the runs before it, expected the same; remove results/evaluations and evaluate again"
                )


def _flat(runs: Mapping[str, Mapping[int, pd.DataFrame]]) -> Iterator[tuple[str, int, pd.DataFrame]]:
    for method, of_seeds in runs.items():
        for seed, rows in of_seeds.items():
            yield method, seed, rows
