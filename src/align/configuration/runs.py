"""The runs that a configuration asks for: one for each data set, protocol, domain, method and seed."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

from pydantic import ValidationError

from align.attribution import AT_LAST_MAP
from align.configuration.ground_truth import domains_with_annotations
from align.configuration.problems import problem_text
from align.configuration.run import Run
from align.configuration.schema import Configuration
from align.datasets.settings import Dataset
from align.errors import InputError
from align.methods import METHODS
from align.methods.settings import MethodSettings
from align.metrics import FAITHFULNESS, LOCALISATION, METRICS
from align.registry import require, suggestion

LONGEST_NAME = 100  # characters
ANNOTATED = {"ground_truth": ("ground_truth", "true masks"), "folder": ("guiding_masks", "masks of a folder")}

LeftOut = Mapping[str, Mapping[str, str]]
"""The reason why a variant is not run, by data set and variant."""


def variant_settings(configuration: Configuration) -> dict[str, MethodSettings]:
    """Return the hyper-parameters of every variant in the experiments, by the variant's name.

    The name of a variant lists the hyper-parameters that differ from ``methods``, in the order of their keys.

    Raises:
        InputError: a method or one of its hyper-parameters is unknown, or a value is out of range.
    """
    return dict(variant for name in configuration.experiments for variant in _experiment_variants(configuration, name))


def planned_runs(configuration: Configuration) -> list[Run]:
    """Return every possible run that the experiments ask for, each once, in the order of the experiments.

    Raises:
        InputError: a name in an experiment is unknown.
    """
    return list(planned_studies(configuration))


def planned_studies(configuration: Configuration) -> dict[Run, tuple[str, ...]]:
    """Return every run of :func:`planned_runs` with the studies that it belongs to."""
    studies: dict[Run, dict[str, None]] = {}
    for study, run, reason in _with_unmet_needs(configuration):
        if not reason:
            studies.setdefault(run, {})[study] = None
    return {run: tuple(names) for run, names in studies.items()}


def left_out_variants(configuration: Configuration) -> dict[tuple[str, str], str]:
    """Return the reasons why a variant of an experiment is not run at all or not everywhere, by data set and variant."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for _, run, reason in _with_unmet_needs(configuration):
        if reason:
            reasons.setdefault((run.dataset, run.method), {})[reason] = None
    return {place: "; ".join(several) for place, several in reasons.items()}


def _with_unmet_needs(configuration: Configuration) -> Iterator[tuple[str, Run, str | None]]:
    """Yield the study, the run and the reason why it is not possible, for every run that an experiment asks for."""
    requested = list(_requested_runs(configuration))
    runs = {run for _, run, _ in requested}
    annotated = cache(lambda dataset, key: domains_with_annotations(configuration.datasets[dataset], key))  # it lists files
    for study, run, settings in requested:
        yield study, run, unmet_need(configuration, run, settings, runs, annotated)


def unmet_need(
    configuration: Configuration,
    run: Run,
    settings: MethodSettings,
    runs: Collection[Run],
    annotated: Callable[[str, str], Collection[str]],
) -> str | None:
    """Return the reason why ``run`` is not possible. None if it has everything that it needs.

    Args:
        configuration: the whole configuration.
        run: the run.
        settings: its hyper-parameters.
        runs: every run that the experiments ask for. One of them may have to make the masks of ``run``.
        annotated: gives the domains of a data set that have masks by ``ground_truth`` or ``guiding_masks``.
    """
    if settings.given_masks == "sam" and configuration.segment_anything.checkpoint is None:
        return "no checkpoint of Segment Anything is configured (segment_anything.checkpoint)"
    if settings.given_masks == "salient_object" and configuration.salient_object.model is None:
        return "no network for salient objects is configured (salient_object.model)"
    if settings.given_masks == "ground_truth" and not configuration.datasets[run.dataset].ground_truth:
        return "the data set has no ground truth"
    if settings.given_masks == "folder" and not configuration.datasets[run.dataset].guiding_masks:
        return "the data set has no folder of masks (guiding_masks)"
    if settings.given_masks in ANNOTATED:
        key, what = ANNOTATED[settings.given_masks]
        sources = source_domains(configuration, run)
        if not set(sources) & set(annotated(run.dataset, key)):
            return f"it is given {what}, and no image of {', '.join(sources)} has one"
    if settings.mask_teacher:
        title = METHODS[settings.mask_teacher].title
        if teacher_run(run, settings.mask_teacher) not in runs:
            return f"it needs masks of {title}, but no experiment trains {title} on its domain with its seed"
        if not getattr(configuration.methods, settings.mask_teacher).learns_masks:
            return f"it needs masks of {title}, but {title} learns none (methods.{settings.mask_teacher}: masker, lambda3)"
    return None


def one_cell(configuration: Configuration, dataset: str) -> str:
    """Return what is to change if the last feature map has one cell for the images of a data set."""
    classifier = configuration.classifier
    return (
        f"{classifier.architecture} reduces {classifier.reduction}×{classifier.reduction} pixels to one cell, and "
        f"datasets.{dataset}.image_size is {configuration.datasets[dataset].image_size}; expected an image_size above "
        f"{classifier.reduction}, such as {2 * classifier.reduction}, or a classifier that reduces less"
    )


def flat_maps(configuration: Configuration) -> list[str]:
    """Return a warning for each data set of the experiments whose saliency maps will all be flat, because they have one cell."""
    evaluation, classifier = configuration.evaluation, configuration.classifier
    families = {measure.family for metric in evaluation.metrics for measure in METRICS[metric].measures.values()}
    if evaluation.attribution not in AT_LAST_MAP or families.isdisjoint((FAITHFULNESS, LOCALISATION)):
        return []
    datasets = dict.fromkeys(experiment.dataset for experiment in configuration.experiments.values())
    return [
        f"evaluation.attribution: every {evaluation.attribution} map of {name} has one cell and ranks no pixel, so faithfulness "
        f"and localisation are undefined: {one_cell(configuration, name)}, or evaluation.attribution: input_gradient"
        for name in datasets
        if classifier.has_one_cell(configuration.datasets[name].image_size)
    ]


def teacher_run(run: Run, method: str) -> Run:
    """Return the run of ``method`` that makes the masks of ``run``. It has the same domain and seed."""
    return run._replace(method=method)


def source_domains(configuration: Configuration, run: Run) -> tuple[str, ...]:
    """Return the domains that a run trains on."""
    return _source_domains(configuration.datasets[run.dataset], run.protocol, run.domain)


def trainable_domains(dataset: Dataset) -> tuple[str, ...]:
    """Return the domains that are not ``test_only``."""
    return tuple(domain for domain in dataset.domains if domain not in dataset.test_only)


def _source_domains(dataset: Dataset, protocol: str, domain: str) -> tuple[str, ...]:
    return (domain,) if protocol == "single_source" else tuple(other for other in trainable_domains(dataset) if other != domain)


def _requested_runs(configuration: Configuration) -> Iterator[tuple[str, Run, MethodSettings]]:
    """Yield the study, the run and its hyper-parameters, for every run that an experiment asks for."""
    for name, experiment in configuration.experiments.items():
        require(f"data set in experiments.{name}", experiment.dataset, configuration.datasets)
        dataset = configuration.datasets[experiment.dataset]
        domains = trainable_domains(dataset)
        single = experiment.protocol == "single_source"
        for domain in experiment.domains or ():
            role = "source domain" if single else "domain to leave out"
            require(f"{role} of {experiment.dataset}", domain, domains if single else dataset.domains)
        chosen = experiment.domains or domains
        fewest = min((len(_source_domains(dataset, experiment.protocol, domain)) for domain in chosen), default=0)
        if fewest < 1:
            least = "one or more" if single else "two or more, one of them to leave out,"
            raise InputError(
                f"experiments.{name}: found {len(domains)} trainable domains of data set {experiment.dataset!r}, "
                f"expected {least} to train on"
            )
        for method, settings in _experiment_variants(configuration, name):
            if settings.several_sources and fewest < 2:
                raise InputError(
                    f"experiments.{name}: found method {method!r}, which compares source domains, with one source domain; "
                    "expected protocol: leave_one_domain_out with two or more trainable domains besides the one that is left out"
                )
            if settings.compares_cells and configuration.classifier.has_one_cell(dataset.image_size):
                raise InputError(
                    f"experiments.{name}: found method {method!r}, whose loss compares cells of the last feature map, and one "
                    f"cell only: {one_cell(configuration, experiment.dataset)}, or leave the method out"
                )
            for domain in chosen:
                for seed in experiment.seeds:
                    yield experiment.study, Run(experiment.dataset, experiment.protocol, domain, method, seed), settings


def _experiment_variants(configuration: Configuration, name: str) -> Iterator[tuple[str, MethodSettings]]:
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
                raise InputError(f"experiments.{name}: {method} {changes}: {problem_text(problem)}") from None
            differing = [f"{key}={_value_in_name(value)}" for key, value in settings if value != getattr(defaults, key)]
            yield _variant_name(method, differing), settings


def _variant_name(method: str, differing: Sequence[str]) -> str:
    """Return the name of a variant. If it would be too long for a folder, or no name, it has a hash of the differences."""
    name = "-".join([method, *differing])
    if len(name) <= LONGEST_NAME and re.fullmatch(r"[\w.=+-]+", name):
        return name
    return f"{method}-variant={hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _value_in_name(value: Any) -> str:
    """Return a value as the variant's name shows it. The name is part of a path, so a tuple becomes ``2x1x1``."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
