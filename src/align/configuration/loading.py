"""Turns the content of a YAML file into a checked configuration. Its errors tell a person what to correct."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from align.configuration.ground_truth import require_annotated
from align.configuration.problems import problem_text
from align.configuration.runs import left_out_variants, planned_runs
from align.configuration.schema import Configuration
from align.datasets import SOURCES
from align.datasets.scan import scan
from align.datasets.settings import Dataset
from align.errors import InputError
from align.files import require_no_braces
from align.registry import require, suggestion


def load(content: Mapping[str, Any], name: str = "the configuration") -> Configuration:
    """Check ``content`` and fill in every default.

    Args:
        content: the content of the YAML file.
        name: the name of the file, for messages.

    Raises:
        InputError: a key, method, metric or data set is unknown, a value has a wrong type or range, or a folder of images does
            not exist. One message lists the problems; for an unknown name it suggests the nearest known one.
    """
    try:
        configuration = Configuration.model_validate(dict(content))
    except ValidationError as error:
        problems = "\n".join(f"  {_describe(problem)}" for problem in _innermost(error.errors()))
        raise InputError(f"{name} cannot be used:\n{problems}") from None
    try:
        datasets = {key: _with_domains(key, dataset) for key, dataset in configuration.datasets.items()}
        configuration = configuration.model_copy(update={"datasets": datasets})
        _require_runs(configuration)
    except InputError as error:
        raise InputError(f"{name} cannot be used:\n  {error}") from None
    return configuration


def _with_domains(name: str, dataset: Dataset) -> Dataset:
    """Return ``dataset`` with its domains. If it lists none, they are those that its source makes or its folder holds."""
    require_no_braces("datasets", name)
    if dataset.source:
        require_no_braces(f"datasets.{name}.root", dataset.root)
        used = known = SOURCES[dataset.source_name].domains
        classes = dataset.classes or ()
    else:
        try:
            found = scan(dataset.root, dataset.domains, dataset.classes, dataset.annotation_folders)
        except InputError as error:
            raise InputError(f"datasets.{name}: {error}") from None
        used, known = found.domains, found.all_domains
        classes = found.classes
    for domain in used:
        require_no_braces(f"datasets.{name}: domain", domain)
    for domain in (*dataset.domains, *dataset.test_only):
        require(f"domain of datasets.{name}", domain, used)
    require_annotated(name, dataset, known)
    if len(classes) == 1:
        raise InputError(
            f"datasets.{name}: found one class only, {classes[0]!r}, in {dataset.root}, expected two or more to tell apart; add "
            "images of another class, or correct `classes:`"
        )
    return dataset.model_copy(update={"domains": dataset.domains or used})


def _require_runs(configuration: Configuration) -> None:
    """Check every name in the experiments, and that at least one run is possible."""
    if not planned_runs(configuration):
        reasons = "; ".join(
            f"{variant} on {dataset}: {reason}" for (dataset, variant), reason in left_out_variants(configuration).items()
        )
        raise InputError(f"experiments: found no run that is possible ({reasons}), expected one or more; change the experiments")


def _innermost(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out the problems of a list or section that follow from one inside it: without its bad item, a list is too short."""
    places = [problem["loc"] for problem in problems]
    return [p for p in problems if not any(len(place) > len(p["loc"]) and place[: len(p["loc"])] == p["loc"] for place in places)]


def _describe(problem: ErrorDetails) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key; {suggestion(str(problem['loc'][-1]), _known_keys(problem['loc'][:-1]))}"
    return f"{place}: {problem_text(problem)}" if place else problem_text(problem)


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at ``place``. Each name or list position in it leads to the next model."""
    annotation: Any = Configuration
    for part in place:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
            if get_origin(annotation) in (UnionType, Union):  # Section | None
                annotation = _model_within(annotation)
        else:  # the key of a mapping or the position in a list of sections
            annotation = _model_within(annotation)
    return list(annotation.model_fields)


def _model_within(annotation: Any) -> Any:
    return next(inner for inner in get_args(annotation) if isinstance(inner, type) and issubclass(inner, BaseModel))
