"""The results of single test images, by setting, method and seed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from align.configuration.run import Run
from align.errors import InputError
from align.statistics.auc_values import auc_values
from align.statistics.crossed_variance import Sample


class Setting(NamedTuple):
    """One source domain and one target of a data set."""

    dataset: str
    source: str
    target: str

    @property
    def distribution(self) -> str:
        """``in`` where the model was trained on the target, else ``out``."""
        return "in" if self.source == self.target else "out"


class MethodSample(NamedTuple):
    """A metric of one method in one setting.

    Attributes:
        seeds: the seeds of its runs.
        sample: the values of these runs on the test images.
    """

    seeds: tuple[int, ...]
    sample: Sample

    def for_seeds(self, seeds: Sequence[int]) -> Sample:
        """Return the sample of some of the seeds, in the given order."""
        chosen = [self.seeds.index(seed) for seed in seeds]
        return self.sample._replace(by_image=self.sample.by_image[chosen])


class Evaluations:
    """Per-image results of the runs of the single-source protocol."""

    def __init__(self, images: Iterable[tuple[Run, pd.DataFrame]]) -> None:
        """Take each run with the content of its ``images.csv.gz``, one after the other: together they may fill gigabytes."""
        self._runs: dict[Setting, dict[str, dict[int, pd.DataFrame]]] = {}
        for run, frame in images:
            for target, rows in frame.groupby("target_domain", sort=False):
                setting = Setting(run.dataset, run.domain, str(target))
                self._runs.setdefault(setting, {}).setdefault(run.method, {})[run.seed] = rows
        self._aucs = cache(self._auc)

    @property
    def settings(self) -> list[Setting]:
        """Every setting that has results."""
        return list(self._runs)

    def methods(self, setting: Setting) -> Collection[str]:
        """Return the methods and variants that ran in a setting."""
        return self._runs[setting].keys()

    def measure(self, setting: Setting, methods: Collection[str], metric: str) -> dict[str, MethodSample]:
        """Return the sample of a metric for each of ``methods`` that has results with this metric.

        All samples are of the same images: those for which the metric is defined for every method and seed. A method with a seed
        for which it is defined on no image has no results.

        Raises:
            InputError: two runs were not evaluated on the same images.
        """
        runs = {method: by_seed for method, by_seed in self._runs[setting].items() if method in methods}
        images = self._shared_images(setting, runs)
        if metric == "auc":
            found = {method: self._aucs(setting, method) for method in runs}
            return {method: sample for method, sample in found.items() if sample}
        stacked = {
            method: np.stack([rows[metric].to_numpy(float) for rows in by_seed.values()])
            for method, by_seed in runs.items()
            if all(metric in rows and rows[metric].notna().any() for rows in by_seed.values())
        }
        if not stacked:
            return {}
        defined = ~np.isnan(np.concatenate(list(stacked.values()))).any(axis=0)
        if not defined.any():
            return {}
        kept = images[defined]
        # A rare class weighs as much as a frequent one, so the spread can be known no better than from the images of the rarest.
        fewest = _smallest_class(next(iter(runs[next(iter(stacked))].values()))) if metric == "macro_accuracy" else len(kept)
        return {
            method: MethodSample(tuple(runs[method]), Sample(setting.source, setting.target, kept, values[:, defined], fewest))
            for method, values in stacked.items()
        }

    def is_undefined(self, setting: Setting, method: str, metric: str) -> bool:
        """Return whether a metric was measured and has no value for a method: for no image, or not for all of them together."""
        by_seed = self._runs[setting].get(method, {})
        if metric == "auc":
            return bool(by_seed) and self._aucs(setting, method) is None
        return any(metric in rows and not rows[metric].notna().any() for rows in by_seed.values())

    def _auc(self, setting: Setting, method: str) -> MethodSample | None:
        """Return the sample of a method's AUC, None where the target has images of one class only."""
        by_seed = self._runs[setting][method]
        first = next(iter(by_seed.values()))
        columns = [column for column in map(str, first) if column.startswith("p:")]
        labels = pd.Index(columns).get_indexer(pd.Index("p:" + first["class"]))
        if len(np.unique(labels)) < 2:
            return None
        probabilities = np.stack([rows[columns].to_numpy(float) for rows in by_seed.values()])
        if np.isnan(probabilities).any():
            raise InputError(
                f"{setting.dataset}, {setting.source} → {setting.target}: found test images of {method} without a probability, "
                "expected one for each class; remove results/evaluations and evaluate again"
            )
        values = auc_values(probabilities, labels)
        sample = Sample(setting.source, setting.target, _paths(first), values, _smallest_class(first))
        return MethodSample(tuple(by_seed), sample)

    def _shared_images(self, setting: Setting, runs: Mapping[str, Mapping[int, pd.DataFrame]]) -> npt.NDArray[np.str_]:
        """Return the paths of the test images, which all runs must share."""
        expected = None
        for method, seed, rows in _flat(runs):
            paths = _paths(rows)
            expected = paths if expected is None else expected
            if not np.array_equal(paths, expected):
                raise InputError(
                    f"{setting.dataset}, {setting.source} → {setting.target}: found other test images of {method}, seed {seed}, "
                    "than of the runs before it, expected the same; remove results/evaluations and evaluate again"
                )
        return np.array([], dtype=str) if expected is None else expected


def _smallest_class(rows: pd.DataFrame) -> int:
    """Return the number of images of the class that has fewest of those that occur."""
    return int(rows["class"].value_counts().min())


def _paths(rows: pd.DataFrame) -> npt.NDArray[np.str_]:
    return rows["path"].to_numpy(str)


def _flat(runs: Mapping[str, Mapping[int, pd.DataFrame]]) -> Iterator[tuple[str, int, pd.DataFrame]]:
    for method, by_seed in runs.items():
        for seed, rows in by_seed.items():
            yield method, seed, rows
