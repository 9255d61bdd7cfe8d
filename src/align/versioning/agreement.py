"""Decides which published checkpoints a configuration may take. Every parse asks this, so the module imports nothing heavy."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from align import paths
from align.configuration.places import Places, preparation_settings
from align.configuration.run import Run, recorded_settings
from align.configuration.runs import planned_runs, variant_settings
from align.configuration.schema import Configuration
from align.errors import InputError
from align.files import as_json
from align.methods.naming import method_of

ACCOUNT = "checkpoint.json"  # the content of run.json, and the keys in ADDED
ADDED = ("metrics", "preparation", "sha256")
FILES = ("checkpoint.pt", "history.csv")
LISTINGS = ("manifest.csv", "splits.csv")
NOTHING = object()


class _Settings(BaseModel):
    method: str
    hyper_parameters: dict[str, Any]


class _Hashes(BaseModel):
    code: str


class _Sums(BaseModel):
    checkpoint: str = Field(alias="checkpoint.pt")
    history: str = Field(alias="history.csv")
    manifest: str = Field(alias="manifest.csv")
    splits: str = Field(alias="splits.csv")


class _Account(BaseModel):
    """The keys that a ``checkpoint.json`` must have."""

    settings: _Settings
    hashes: _Hashes
    metrics: list[dict[str, Any]]
    preparation: dict[str, Any]
    sha256: _Sums


def taken_runs(configuration: Configuration) -> list[Run]:
    """Return the runs whose published checkpoint takes the place of training.

    Raises:
        InputError: ``checkpoints.source`` is published, and the checkpoint of a run is missing or has other settings than the
            configuration. The message names every such run and the first key that differs. Or a published account is not
            readable.
    """
    source, folder = configuration.checkpoints.source, configuration.checkpoints.folder
    if source == "trained":
        return []
    values = configuration.model_dump(mode="json")
    variants, places = variant_settings(configuration), Places(configuration)
    taken, missing, differing = [], [], []
    for run in planned_runs(configuration):
        if not _is_whole(folder, run):
            missing.append(f"{run.path}: missing")
            continue
        published = read_account(folder / run.path / ACCOUNT)
        if source == "published_or_trained" and _was_trained_here(run, places, published):
            continue
        hyper_parameters = variants[run.method]
        settings = recorded_settings(run, values | {"hyper_parameters": hyper_parameters.model_dump(mode="json")})
        difference = first_difference(
            _as_configured(published["settings"]) | published["preparation"],
            _as_configured(settings) | preparation_settings(configuration, run.dataset, hyper_parameters),
        )
        if difference:
            differing.append(f"{run.path}: {difference}")
        else:
            taken.append(run)
    if source == "published" and (missing or differing):
        raise InputError(_refusal(folder, missing, differing))
    return taken


def read_account(path: Path) -> dict[str, Any]:
    """Return the content of a ``checkpoint.json``.

    Raises:
        InputError: the file is not a complete account of a published checkpoint.
    """
    try:
        content = path.read_bytes()
        _Account.model_validate_json(content)
        account: dict[str, Any] = json.loads(content)
    except (OSError, ValueError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise InputError(
            f"{path}: found no complete account of a published checkpoint ({reason}); remove it and run `dvc pull`, "
            "or set checkpoints.source to trained"
        ) from None
    return account


def first_difference(published: Any, configured: Any, place: str = "") -> str | None:
    """Return the first difference of two nested values as ``key: published x, configured y``. None if they are equal."""
    if isinstance(published, Mapping) and isinstance(configured, Mapping):
        for key in dict.fromkeys([*configured, *published]):
            inside = f"{place}.{key}" if place else str(key)
            if difference := first_difference(published.get(key, NOTHING), configured.get(key, NOTHING), inside):
                return difference
        return None
    return None if published == configured else f"{place}: published {_printed(published)}, configured {_printed(configured)}"


def _is_whole(folder: Path, run: Run) -> bool:
    own = (folder / run.path / name for name in (ACCOUNT, *FILES))
    shared = (folder / run.dataset / name for name in LISTINGS)
    return all(path.is_file() for path in (*own, *shared))


def _was_trained_here(run: Run, places: Places, account: Mapping[str, Any]) -> bool:
    """Return whether the published run was trained here. To take it would make its files newer than what was made from them."""
    here, benchmark = (Path(places.run(path, run)) for path in (paths.ACCOUNT, paths.benchmark(f"train/{paths.TRAINING}")))
    own = {key: value for key, value in account.items() if key not in ADDED}
    return here.is_file() and benchmark.is_file() and here.read_bytes() == as_json(own).encode()


def _as_configured(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with the hyper-parameters at the place that they have in the configuration, for messages."""
    others = {key: value for key, value in settings.items() if key != "hyper_parameters"}
    return others | {"methods": {method_of(settings["method"]): settings["hyper_parameters"]}}


def _refusal(folder: Path, missing: Iterable[str], differing: Iterable[str]) -> str:
    lines = [f"checkpoints.source is published, expected a checkpoint in {folder} for every run, made with this configuration:"]
    lines += [f"  {line}" for line in (*missing, *differing)]
    if missing:
        lines.append("If checkpoints are missing: run `dvc pull`, or set checkpoints.source to trained or published_or_trained.")
    if differing:
        lines.append("If settings differ: configure the published values, or set checkpoints.source to published_or_trained.")
    return "\n".join(lines)


def _printed(value: Any) -> str:
    return "nothing" if value is NOTHING else json.dumps(value)
