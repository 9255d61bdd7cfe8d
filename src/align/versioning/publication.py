"""Publishes the results of a configuration: small files for git, from which everybody sees what came out and of what."""

import gzip
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from align.files import read_json, sha256, whole_file, write_json
from align.results.collect import trained_on

WIDTH = 1400  # pixels, of a published picture


def publish_results(
    folder: Path,
    configuration: Path,
    results: Iterable[Path],
    figures: Mapping[str, Path],
    runs: Sequence[Path],
    manifests: Mapping[str, Path],
) -> None:
    """Write what the runs of a configuration gave into ``folder``. The same results give the same bytes.

    - ``metrics.csv.gz``, and the verdict and each table as ``.csv.gz`` and as Markdown.
    - each figure as a small ``.webp``.
    - ``validation.csv.gz``: the validation accuracy of every run in every epoch.
    - ``configuration.yaml``: all settings.
    - ``provenance.json``: what :func:`provenance` returns, and the checksum of each file above.

    Args:
        folder: the folder to write.
        configuration: all settings, as YAML.
        results: ``metrics.csv``, and the verdict and the tables as CSV and as Markdown.
        figures: the PNG of each figure, by its name.
        runs: the folders of the runs, with ``run.json`` and ``history.csv``.
        manifests: ``manifest.csv`` of each data set.
    """
    accounts = [read_json(run / "run.json") for run in runs]
    validation = pd.concat(_validation(account, run / "history.csv") for account, run in zip(accounts, runs))
    files = {path.name: path.read_bytes() for path in (configuration, *results)}
    files["validation.csv"] = validation.to_csv(index=False, lineterminator="\n").encode()
    for name in [name for name in files if name.endswith(".csv")]:
        files[f"{name}.gz"] = gzip.compress(files.pop(name), mtime=0)  # without the time, so that the bytes are the same again
    files |= {f"{name}.webp": small_picture(png) for name, png in figures.items()}
    for name, content in files.items():
        with whole_file(folder / name) as partial:
            partial.write_bytes(content)
    checksums = {name: sha256(folder / name) for name in sorted(files)}
    write_json(folder / "provenance.json", provenance(accounts, configuration, manifests) | {"files": checksums})


def small_picture(png: Path) -> bytes:
    """Return a picture as WebP, at most ``WIDTH`` pixels wide."""
    with Image.open(png) as picture:
        small = picture.convert("RGB")
    small.thumbnail((WIDTH, small.height))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80, method=6)
    return buffer.getvalue()


def provenance(accounts: Sequence[Mapping[str, Any]], configuration: Path, manifests: Mapping[str, Path]) -> dict[str, Any]:
    """Return what runs were made of and by: hashes, git revisions, versions, devices and precisions.

    What single runs may differ in stands with the number of runs that have it. ``training_hours`` add up all runs.

    Args:
        accounts: the content of each ``run.json``.
        configuration: all settings, as YAML.
        manifests: ``manifest.csv`` of each data set, which has the checksum of every image.
    """

    def counted(values: Iterable[str]) -> dict[str, int]:
        return dict(sorted(Counter(values).items()))

    libraries = dict.fromkeys(name for account in accounts for name in account["versions"])  # in their order
    return {
        "runs": len(accounts),
        "training_hours": round(sum(account["wall_seconds"] for account in accounts) / 3600, 2),
        "hashes": {
            "configuration": sha256(configuration),
            "data": {dataset: sha256(manifest) for dataset, manifest in manifests.items()},
            "code": counted(account["hashes"]["code"] for account in accounts),
        },
        "git_revisions": counted(account["git_revision"] or "unknown" for account in accounts),
        "versions": {name: counted(account["versions"].get(name, "absent") for account in accounts) for name in libraries},
        "devices": counted(account["device"] for account in accounts),
        "precisions": counted(account["precision"] for account in accounts),
    }


def _validation(account: Mapping[str, Any], history: Path) -> pd.DataFrame:
    """Return the validation accuracy of a run by epoch."""
    settings, rows = account["settings"], pd.read_csv(history)
    rows = rows[rows["name"] == "validation_accuracy"]
    return pd.DataFrame(
        {
            "dataset": settings["dataset"],
            "protocol": settings["protocol"],
            "source_domain": trained_on(settings["protocol"], settings["domain"]),
            "method": settings["method"],
            "seed": settings["seed"],
            "epoch": rows["epoch"],
            "validation_accuracy": rows["value"],
        }
    )
