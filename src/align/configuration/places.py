"""Where the data, runs and evaluations of a configuration are.

Several configurations share the folder of results. Each path has keys, which are short hashes of the settings that its file
depends on. So configurations whose settings agree share a file, and others do not overwrite it.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from align.configuration.run import Run
from align.configuration.runs import variant_settings
from align.configuration.schema import Configuration
from align.datasets import SOURCES
from align.datasets.settings import Dataset
from align.files import value_hash
from align.methods.settings import MethodSettings
from align.settings import Section

KEYS = ("listing", "split", "images", "truth", "guiding", "sam", "training", "evaluation")
LENGTH = 8
DATASET_SETTINGS = ("domains", "classes", "test_only", "split_group", "image_size", "resize")
SAM_UNUSED = {"checkpoint", "points_per_batch"}  # a path and a limit of memory, on which the masks do not depend


class Places:
    """The files of one configuration. Patterns are those of :mod:`align.paths`.

    Args:
        configuration: the checked configuration.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._variants = variant_settings(configuration)
        self._dataset_keys = cache(self._new_dataset_keys)
        self._run_keys = cache(self._new_run_keys)

    def dataset(self, pattern: str, name: str, **names: str) -> str:
        """Return ``pattern`` for the data set ``name``. Further ``names``, such as a domain, are filled in too."""
        return pattern.format(dataset=name, **self._dataset_keys(name), **names)

    def domains(self, pattern: str, name: str, domains: Iterable[str]) -> list[str]:
        """Return ``pattern`` for each of the ``domains`` of the data set ``name``."""
        return [self.dataset(pattern, name, domain=domain) for domain in domains]

    def run(self, pattern: str, run: Run) -> str:
        """Return ``pattern`` for a run."""
        return pattern.format(**run._asdict(), **self._dataset_keys(run.dataset), **self._run_keys(run.dataset, run.method))

    def runs(self, pattern: str, runs: Iterable[Run]) -> list[str]:
        """Return ``pattern`` for each of ``runs``."""
        return [self.run(pattern, run) for run in runs]

    def keys(self, runs: Iterable[Run]) -> dict[str, list[str]]:
        """Return the values that each of :data:`KEYS` has in the paths of ``runs`` and of their data sets."""
        used: dict[str, dict[str, None]] = {key: {} for key in KEYS}
        for dataset, variant in dict.fromkeys((run.dataset, run.method) for run in runs):
            for key, value in (self._dataset_keys(dataset) | self._run_keys(dataset, variant)).items():
                used[key][value] = None
        return {key: list(values) for key, values in used.items()}

    def _new_dataset_keys(self, name: str) -> dict[str, str]:
        dataset = self._configuration.datasets[name]
        return {
            "listing": _key([_values(dataset, "root", "domains", "classes"), _source(dataset)]),
            "split": _key([_values(self._configuration.splits), _values(dataset, "test_only", "split_group", "paired")]),
            "images": f"{dataset.image_size}px-{dataset.resize}",
            "truth": _key(_values(dataset, "ground_truth")),
            "guiding": _key(_values(dataset, "guiding_masks")),
            "sam": _key(_sam(self._configuration)),
        }

    def _new_run_keys(self, name: str, variant: str) -> dict[str, str]:
        configuration, data, settings = self._configuration, self._dataset_keys(name), self._variants[variant]
        trained = [
            _values(settings),
            *(_values(section) for section in (configuration.classifier, configuration.training, configuration.augmentation)),
            preparation_settings(configuration, name, settings),
            [data[key] for key in ("listing", "split")],
        ]
        return {"training": _key(trained), "evaluation": _key([_values(configuration.evaluation), data["truth"]])}


def preparation_settings(configuration: Configuration, name: str, settings: MethodSettings) -> dict[str, Any]:
    """Return the settings that the data of a run depends on, nested as in the configuration.

    These are the settings of the packed images and the splits. If the method is given masks, the settings of the masks are
    among them.

    Args:
        configuration: the whole configuration.
        name: the run's data set.
        settings: the run's hyper-parameters.
    """
    of_masks = {"ground_truth": ["ground_truth"], "folder": ["guiding_masks"]}.get(settings.given_masks or "", [])
    preparation: dict[str, Any] = {
        "splits": _values(configuration.splits),
        "datasets": {name: _values(configuration.datasets[name], *DATASET_SETTINGS, *of_masks)},
    }
    if settings.given_masks == "sam":
        preparation["segment_anything"] = _sam(configuration)
    if settings.mask_teacher:
        preparation["teacher"] = {settings.mask_teacher: _values(getattr(configuration.methods, settings.mask_teacher))}
    return preparation


def _source(dataset: Dataset) -> dict[str, Any] | None:
    """Return the settings of what makes the images. They are the same wherever its archives come from."""
    if dataset.source is None:
        return None
    archives = set(SOURCES[dataset.source_name].archives)
    return {dataset.source_name: dataset.source_settings.model_dump(mode="json", exclude=archives)}


def _sam(configuration: Configuration) -> dict[str, Any]:
    return configuration.segment_anything.model_dump(mode="json", exclude=SAM_UNUSED)


def _values(section: Section, *names: str) -> dict[str, Any]:
    """Return a section as plain values, or only those that are named."""
    values: dict[str, Any] = section.model_dump(mode="json", include=set(names) or None)
    return values


def _key(value: Any) -> str:
    return value_hash(value)[:LENGTH]
