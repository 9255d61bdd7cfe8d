"""What the configuration asks to be trained: one run per data set, protocol, domain, method and seed."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from align.configuration.base import Section
from align.configuration.schema import Configuration, Experiment
from align.errors import InputError
from align.methods import METHODS
from align.registry import require, suggestion


class Run(NamedTuple):
    """One training run; ``method`` may name a variant (``align-lambda1=0.5``)."""

    dataset: str
    protocol: str
    domain: str
    method: str
    seed: int

    @property
    def path(self) -> str:
        """Where the run's files are, below ``results/runs`` and ``results/evaluations``."""
        return f"{self.dataset}/{self.protocol}/{self.domain}/{self.method}/seed{self.seed}"


def settings_of(run: Run, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that a run's numbers depend on beside its data, as plain values: the ``settings`` of ``run.json``.

    Args:
        run: which run.
        values: hyper_parameters, classifier, training and augmentation, as plain values.
    """
    names = {name: str(value) for name, value in run._asdict().items()}
    sections = {name: values[name] for name in ("hyper_parameters", "classifier", "training", "augmentation")}
    return names | {"implementation": METHODS[method_of(run.method)].implementation} | sections


def method_of(variant: str) -> str:
    """Return the method that ``variant`` is one of: ``align`` for ``align-lambda1=0.5``."""
    return variant.split("-", 1)[0]


def variants_of(configuration: Configuration) -> dict[str, Section]:
    """Return the hyper-parameters of every variant that an experiment names, by the variant's name.

    A variant is named by what differs from the values under ``methods``, in the order of the keys.

    Raises:
        InputError: a method, or a hyper-parameter of it, is not known, or a value is out of range.
    """
    return dict(variant for experiment in configuration.experiments.values() for variant in _variants(configuration, experiment))


def runs_of(configuration: Configuration) -> list[Run]:
    """Return every run that the experiments ask for, each once, in their order.

    Raises:
        InputError: a name in an experiment is not known.
    """
    runs: dict[Run, None] = {}
    for name, experiment in configuration.experiments.items():
        require(f"data set in experiments.{name}", experiment.dataset, configuration.datasets)
        domains = source_domains(configuration, experiment)
        for method, _ in _variants(configuration, experiment):
            for domain in domains:
                for seed in experiment.seeds:
                    runs[Run(experiment.dataset, experiment.protocol, domain, method, seed)] = None
    return list(runs)


def source_domains(configuration: Configuration, experiment: Experiment) -> tuple[str, ...]:
    """Return the domains that an experiment trains on, one run each."""
    dataset = configuration.datasets[experiment.dataset]
    trainable = [domain for domain in dataset.domains if domain not in dataset.test_only]
    if not trainable:
        raise InputError(f"data set {experiment.dataset!r}: found only test_only domains, expected one or more to train on")
    for domain in experiment.domains or ():
        require(f"source domain of {experiment.dataset}", domain, trainable)
    return experiment.domains or tuple(trainable)


def _variants(configuration: Configuration, experiment: Experiment) -> Iterable[tuple[str, Section]]:
    for entry in experiment.methods:
        for method, changes in entry.items():
            require("method", method, METHODS)
            defaults = getattr(configuration.methods, method)
            for key in changes:
                if key not in type(defaults).model_fields:
                    raise InputError(f"unknown key {key!r} of method {method!r}: {suggestion(key, type(defaults).model_fields)}")
            try:
                settings = type(defaults).model_validate(defaults.model_dump() | changes)
            except ValidationError as error:
                problem = error.errors()[0]
                raise InputError(f"{method} {changes}: found {problem['input']!r}; {problem['msg']}") from None
            differing = [f"{key}={_printed(value)}" for key, value in settings if value != getattr(defaults, key)]
            yield "-".join([method, *differing]), settings


def _printed(value: Any) -> str:
    """Return a value as it stands in a variant's name, which is part of a path: ``2x1x1`` for a tuple."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
