"""A dry run as large as that of the paper's whole configuration: every method and study and five seeds, on made-up images."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import yaml
from PIL import Image

from align.methods import DEFAULT_METHODS, METHODS
from benchmarks.timing import with_goals

DOMAINS, CLASSES, SEEDS = ("a", "b", "c", "d"), ("cat", "dog"), [0, 1, 2, 3, 4]
GOAL = 10.0  # seconds at most
SNAKEFILE = Path("Snakefile").resolve()


def dry_run() -> pd.DataFrame:
    """Return a row for ``snakemake -n`` in a folder without results: jobs, seconds and jobs per second."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for dataset in ("first", "second"):
            write_images(folder / dataset)
        (folder / "large.yaml").write_text(yaml.safe_dump(large_configuration()))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--configfile", "large.yaml", "--dry-run"]
        start = time.perf_counter()
        done = subprocess.run([*command, "--cores", "1"], cwd=folder, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    jobs = int(done.stdout.rsplit("\ntotal ", 1)[1].split()[0])
    row = {"benchmark": "dry run", "name": "snakemake -n", "jobs": jobs, "seconds": seconds, "per_second": jobs / seconds}
    return with_goals(pd.DataFrame([row]), {"snakemake -n": GOAL}, "seconds")


def write_images(root: Path) -> None:
    """Write one image of each domain and class below ``root``, which stands for a data set."""
    for number, (domain, label) in enumerate((domain, label) for domain in DOMAINS for label in CLASSES):
        path = root / domain / label / f"{number}.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(path)


def large_configuration() -> dict[str, Any]:
    """Return a configuration of about 1,300 runs: all methods, both protocols, seven maskers, six sweeps and a grid."""
    experiments: dict[str, dict[str, Any]] = {
        "maskers": {"dataset": "first", "study": "masker_ablation", "methods": _variants("lambda2", 7)},
        "grid": {
            "dataset": "first",
            "study": "sensitivity",
            "domains": ["a"],
            "methods": [],
            "sweeps": [{"align": {"lambda3": _values(5), "warm_up": _values(5)}}],
        },
    }
    swept = ("lambda1", "lambda2", "lambda3", "lambda4", "warm_up", "beta")
    for dataset in ("first", "second"):
        methods = [*DEFAULT_METHODS, *_variants("lambda1", 8 - len(DEFAULT_METHODS))]
        several = [name for name, entry in METHODS.items() if entry.settings.several_sources]
        experiments |= {
            f"{dataset}_single": {"dataset": dataset, "methods": methods},
            f"{dataset}_others": {"dataset": dataset, "methods": [*methods, *several], "protocol": "leave_one_domain_out"},
            f"{dataset}_sweeps": {
                "dataset": dataset,
                "study": "sensitivity",
                "domains": ["a"],
                "methods": [],
                "sweeps": [{"align": {key: _values(5)}} for key in swept],
            },
        }
    return {
        "datasets": {dataset: {"root": dataset, "image_size": 64} for dataset in ("first", "second")},
        "experiments": {name: experiment | {"seeds": SEEDS} for name, experiment in experiments.items()},
        "classifier": {"weights": None},
    }


def _values(number: int) -> list[float]:
    return [0.05 + 0.1 * position for position in range(number)]


def _variants(key: str, number: int) -> list[dict[str, dict[str, float]]]:
    return [{"align": {key: value}} for value in _values(number)]
