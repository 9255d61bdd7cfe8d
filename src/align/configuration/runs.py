"""What the configuration asks to be trained: one run per data set, protocol, domain, method and seed."""

from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from pydantic import ValidationError

from align import paths
from align.configuration.problems import described
from align.configuration.schema import Configuration
from align.datasets.settings import Dataset
from align.errors import InputError
from align.methods import METHODS
from align.methods.naming import method_of
from align.methods.settings import MethodSettings
from align.registry import require, suggestion

LeftOut = Mapping[str, Mapping[str, str]]
"""Why a variant was not run, by data set and variant."""


class Run(NamedTuple):
    """One training run.

    Attributes:
        dataset: name of the data set.
        protocol: single_source or leave_one_domain_out.
        domain: the source domain, or the domain that is left out: see :func:`source_domains`.
        method: a method or a variant of it, such as ``align-lambda1=0.5``.
        seed: seed of its random numbers.
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
        """Return the run whose :attr:`path` this is.

        Raises:
            ValueError: it is the path of no run.
        """
        dataset, protocol, domain, method, seed = path.split("/")
        return cls(dataset, protocol, domain, method, int(seed.removeprefix("seed")))


def recorded_settings(run: Run, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that a run's numbers depend on beside its data, as plain values: the ``settings`` of ``run.json``.

    Args:
        run: which run.
        values: hyper_parameters, classifier, training and augmentation, as plain values.
    """
    names = {name: str(value) for name, value in run._asdict().items()}
    sections = {name: values[name] for name in ("hyper_parameters", "classifier", "training", "augmentation")}
    return names | {"implementation": METHODS[method_of(run.method)].implementation} | sections


def variant_settings(configuration: Configuration) -> dict[str, MethodSettings]:
    """Return the hyper-parameters of every variant that an experiment names, by the variant's name.

    A variant is named by what differs from the values under ``methods``, in the order of the keys.

    Raises:
        InputError: a method, or a hyper-parameter of it, is not known, or a value is out of range.
    """
    return dict(variant for name in configuration.experiments for variant in _variants(configuration, name))


def planned_runs(configuration: Configuration) -> list[Run]:
    """Return every run that the experiments ask for and that can be made, each once, in their order.

    Raises:
        InputError: a name in an experiment is not known.
    """
    return list(planned_studies(configuration))


def planned_studies(configuration: Configuration) -> dict[Run, tuple[str, ...]]:
    """Return every run of :func:`runs_of` with the studies that it is part of."""
    studies: dict[Run, dict[str, None]] = {}
    asked_for = list(_asked_for(configuration))
    runs = {run for _, run, _ in asked_for}
    for study, run, settings in asked_for:
        if not unmet_need(configuration, run, settings, runs):
            studies.setdefault(run, {})[study] = None
    return {run: tuple(names) for run, names in studies.items()}


def left_out_variants(configuration: Configuration) -> dict[tuple[str, str], str]:
    """Return why variants that the experiments ask for are not run, in whole or in part, by data set and variant."""
    asked_for = list(_asked_for(configuration))
    runs = {run for _, run, _ in asked_for}
    reasons = [((run.dataset, run.method), unmet_need(configuration, run, found, runs)) for _, run, found in asked_for]
    return {place: reason for place, reason in reasons if reason}


def unmet_need(configuration: Configuration, run: Run, settings: MethodSettings, runs: Collection[Run]) -> str | None:
    """Return what ``run`` needs and neither the configuration, nor its data set, nor ``runs`` have; None: nothing is missing."""
    if settings.given_masks == "sam" and configuration.segment_anything.checkpoint is None:
        return "no checkpoint of Segment Anything is configured (segment_anything.checkpoint)"
    if settings.given_masks == "ground_truth" and not configuration.datasets[run.dataset].ground_truth:
        return "the data set has no ground truth"
    if settings.mask_teacher:
        title = METHODS[settings.mask_teacher].title
        if teacher_run(run, settings.mask_teacher) not in runs:
            return f"no experiment trains {title} on its domain with its seed, whose masks it needs"
        if not getattr(configuration.methods, settings.mask_teacher).learns_masks:
            return f"{title}, whose masks it needs, learns none (methods.{settings.mask_teacher}: masker, lambda3)"
    return None


def teacher_run(run: Run, method: str) -> Run:
    """Return the run of ``method`` that makes the masks of ``run``: of the same domain and seed."""
    return run._replace(method=method)


def source_domains(configuration: Configuration, run: Run) -> tuple[str, ...]:
    """Return the domains that a run trains on."""
    return _sources(configuration.datasets[run.dataset], run.protocol, run.domain)


def trainable(dataset: Dataset) -> tuple[str, ...]:
    """Return the domains that may be trained on."""
    return tuple(domain for domain in dataset.domains if domain not in dataset.test_only)


def _sources(dataset: Dataset, protocol: str, domain: str) -> tuple[str, ...]:
    return (domain,) if protocol == "single_source" else tuple(other for other in trainable(dataset) if other != domain)


def _asked_for(configuration: Configuration) -> Iterator[tuple[str, Run, MethodSettings]]:
    """Yield the study, the run and its hyper-parameters of every run that an experiment asks for."""
    for name, experiment in configuration.experiments.items():
        require(f"data set in experiments.{name}", experiment.dataset, configuration.datasets)
        dataset = configuration.datasets[experiment.dataset]
        domains = trainable(dataset)
        single = experiment.protocol == "single_source"
        for domain in experiment.domains or ():
            role = "source domain" if single else "domain to leave out"
            require(f"{role} of {experiment.dataset}", domain, domains if single else dataset.domains)
        chosen = experiment.domains or domains
        fewest = min((len(_sources(dataset, experiment.protocol, domain)) for domain in chosen), default=0)
        if fewest < 1:
            least = "one or more" if single else "two or more, one of them to leave out,"
            raise InputError(
                f"experiments.{name}: found {len(domains)} trainable domains of data set {experiment.dataset!r}, "
                f"expected {least} to train on"
            )
        for method, settings in _variants(configuration, name):
            if settings.several_sources and fewest < 2:
                raise InputError(
                    f"experiments.{name}: found method {method!r}, which compares source domains, with one source domain; "
                    "expected protocol: leave_one_domain_out and, beside the one that is left out, two or more trainable domains"
                )
            for domain in chosen:
                for seed in experiment.seeds:
                    yield experiment.study, Run(experiment.dataset, experiment.protocol, domain, method, seed), settings


def _variants(configuration: Configuration, name: str) -> Iterator[tuple[str, MethodSettings]]:
    """Yield the name and the hyper-parameters of every variant that the experiment ``name`` asks for."""
    experiment = configuration.experiments[name]
    combinations = (
        {method: dict(zip(grid, values))}
        for sweep in experiment.sweeps
        for method, grid in sweep.items()
        for values in product(*grid.values())
    )
    for entry in (*experiment.methods, *combinations):
        for method, changes in entry.items():
            require(f"method in experiments.{name}", method, METHODS)
            defaults = getattr(configuration.methods, method)
            for key in changes:
                if key not in type(defaults).model_fields:
                    known = suggestion(key, type(defaults).model_fields)
                    raise InputError(f"experiments.{name}: unknown key {key!r} of method {method!r}: {known}")
            try:
                settings = type(defaults).model_validate(defaults.model_dump() | changes)
            except ValidationError as error:
                problem = error.errors()[0]
                raise InputError(f"experiments.{name}: {method} {changes}: {described(problem)}") from None
            differing = [f"{key}={_printed(value)}" for key, value in settings if value != getattr(defaults, key)]
            yield "-".join([method, *differing]), settings


def _printed(value: Any) -> str:
    """Return a value as it stands in a variant's name, which is part of a path: ``2x1x1`` for a tuple."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
