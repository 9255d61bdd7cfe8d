"""One training run, its place and its record. It imports little, for every job of a run imports it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from align import paths
from align.methods import METHODS
from align.methods.naming import method_of


class Run(NamedTuple):
    """One training run.

    Attributes:
        dataset: name of the data set.
        protocol: single_source or leave_one_domain_out.
        domain: the source domain of ``single_source``, or the domain that ``leave_one_domain_out`` leaves out.
        method: a method, or a variant such as ``align-lambda1=0.5``.
        seed: the seed of all its random numbers.
    """

    dataset: str
    protocol: str
    domain: str
    method: str
    seed: int

    @property
    def path(self) -> str:
        """The run's folder below ``results/runs`` and ``results/evaluations``."""
        return paths.RUN.format(**self._asdict())

    @classmethod
    def from_path(cls, path: str) -> "Run":
        """Return the run that has this :attr:`path`.

        Raises:
            ValueError: no run has such a path.
        """
        dataset, protocol, domain, method, seed = path.split("/")
        return cls(dataset, protocol, domain, method, int(seed.removeprefix("seed")))


def recorded_settings(run: Run, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``settings`` of ``run.json``: everything except the data that a run's numbers depend on, as plain values.

    Args:
        run: the run.
        values: hyper_parameters, classifier, training and augmentation, as plain values.
    """
    names = {name: str(value) for name, value in run._asdict().items()}
    sections = {name: values[name] for name in ("hyper_parameters", "classifier", "training", "augmentation")}
    return names | {"implementation": METHODS[method_of(run.method)].implementation} | sections
