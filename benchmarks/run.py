"""Measures the speed that this project promises: `make bench` on the CPU, `make bench-gpu` on a GPU.

Each writes one CSV, artifacts/performance/<device>.csv, and prints it. docs/performance.md explains its rows.
"""

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pandas as pd
import torch

from align.files import whole_file
from align.models.settings import ClassifierSettings
from align.training.device import BFLOAT16_INSTRUCTIONS, has_bfloat16, prepare
from align.workflow.provenance import git_revision
from benchmarks.blur import blur
from benchmarks.concurrent_runs import concurrent_runs
from benchmarks.data import data
from benchmarks.device import measured_device, slug
from benchmarks.dry_run import dry_run
from benchmarks.end_to_end import end_to_end
from benchmarks.evaluation import evaluation
from benchmarks.faithfulness import faithfulness
from benchmarks.saliency_maps import saliency_maps
from benchmarks.saving import saving
from benchmarks.setting import CORES, Setting
from benchmarks.training_steps import BOUNDS, left_out, training_steps, variants
from benchmarks.validation import validation

FOLDER = Path("artifacts/performance")
SMALL = ClassifierSettings(architecture="small_resnet", weights=None)
RESNET18 = ClassifierSettings(architecture="resnet18", weights=None)
BOTH = ("erm", "align")
COMPILED_FOR = 300.0  # seconds
VALIDATED = 200  # images
NO_BFLOAT16 = f"left out: this processor has no instructions for bfloat16 ({', '.join(BFLOAT16_INSTRUCTIONS)})"
WHOLE = ("size", "batch_size", "processes", "peak_memory_bytes")
NOTED = ["network", "size", "batch_size", "precision", "compile", "note"]  # rows that share these are printed as one
PROVENANCE = ("device", "torch", "cuda", "git_revision")
COLUMNS = (
    *("benchmark", "name", "network", "size", "batch_size", "precision", "compile", "loader", "processes"),
    *("seconds", "per_second", "ratio", "bound", "share_of_bound", "goal", "goal_of", "peak_memory_bytes", "note"),
    *PROVENANCE,
)


def main(kind: str) -> None:
    if kind == "cuda" and not torch.cuda.is_available():
        raise SystemExit("make bench-gpu: found no GPU that torch can use; `make bench` measures on the CPU")
    device = prepare(kind, 1)
    name = measured_device(device)
    path = FOLDER / f"{slug(name) if kind == 'cuda' else 'cpu'}.csv"
    rows = pd.concat(on_gpu(device) if kind == "cuda" else on_cpu(device), ignore_index=True)
    provenance = dict(zip(PROVENANCE, (name, torch.__version__, torch.version.cuda, git_revision())))
    table = rows.assign(**provenance).reindex(columns=COLUMNS).astype(dict.fromkeys(WHOLE, "Int64"))
    with whole_file(path) as partial:
        table.to_csv(partial, index=False, float_format="%.4g")
    printed = table.dropna(subset="seconds").drop(columns=[*PROVENANCE, "note"]).dropna(axis="columns", how="all")
    print(printed.to_string(index=False, na_rep="", float_format="%.4g"))
    for (network, size, batch_size, precision, compiled, note), rows_without in table.groupby(NOTED, sort=False):
        names = ", ".join(rows_without["name"])
        print(f"{network}, {size} pixels, batch {batch_size}, {precision}, compile: {compiled}: {names}: {note}")
    print(f"on {name}, torch {torch.__version__}: {path}")


def on_cpu(device: torch.device) -> Iterator[pd.DataFrame]:
    """Yield the rows of every benchmark, on one thread."""
    photographs, digits = Setting(RESNET18, 128, 16, device), Setting(SMALL, 48, 32, device)
    yield dry_run()
    yield data()
    yield from training(photographs, digits)
    yield from training_in_bfloat16(photographs, digits, has_bfloat16(device))
    yield validation(digits._replace(batch_size=VALIDATED), 30)
    yield saving(photographs, 7)
    yield saving(digits, 30)
    yield saliency_maps(photographs, 7)
    yield saliency_maps(digits._replace(batch_size=64), 30)
    yield evaluation(digits._replace(batch_size=64), 3)
    yield faithfulness(digits, 3)
    yield blur(48, 32, device, 30)
    yield blur(224, 8, device, 3)
    yield concurrent_runs(digits, [count for count in (1, 2) if count <= CORES], BOTH, 3.0)


def training(photographs: Setting, digits: Setting) -> Iterator[pd.DataFrame]:
    """Yield the rows of training steps, alone and with their data."""
    yield training_steps(photographs, 5)
    yield training_steps(digits, 30)
    yield end_to_end(photographs, 500, 375, batches=6, rounds=1)
    yield end_to_end(digits, 48, 48, batches=30, rounds=2)


def training_in_bfloat16(photographs: Setting, digits: Setting, native: bool) -> Iterator[pd.DataFrame]:
    """Yield the rows of :func:`training` in bfloat16. If it is not ``native`` to the processor, they say that it is left out."""
    settings = [setting._replace(precision="bfloat16") for setting in (photographs, digits)]
    yield from training(*settings) if native else (left_out(setting, BOUNDS, NO_BFLOAT16) for setting in settings)


def on_gpu(device: torch.device) -> Iterator[pd.DataFrame]:
    """Yield the rows of the benchmarks for a GPU. Compiled variants come last, and one that fails becomes a row.

    The paper's batch size has all of its variants first, because compiling may take longer than there is time for.
    """
    paper, large = (Setting(RESNET18, 224, batch_size, device, "bfloat16") for batch_size in (32, 128))
    yield training_steps(paper, 30)
    yield training_steps(large, 30)
    yield end_to_end(paper, 500, 375, batches=200, rounds=3)
    yield end_to_end(large, 500, 375, batches=64, rounds=3)
    yield validation(large._replace(batch_size=VALIDATED), 30)
    yield saving(large, 7)
    yield saliency_maps(Setting(RESNET18, 224, 64, device), 30)
    yield evaluation(Setting(SMALL, 48, 64, device), 3)
    yield faithfulness(Setting(RESNET18, 224, 32, device), 3)
    yield blur(48, 32, device, 30)
    yield blur(224, 32, device, 30)
    yield concurrent_runs(paper, (1, 2, 4), BOTH, 3.0)
    yield concurrent_runs(Setting(SMALL, 48, 32, device, "bfloat16"), (1, 2, 4), BOTH, 3.0)
    modes = [("float32", "none"), *product(("bfloat16", "float32"), ("default", "reduce-overhead"))]
    settings = [setting._replace(precision=precision, compile=mode) for setting in (paper, large) for precision, mode in modes]
    yield variants(settings, 30, BOTH, COMPILED_FOR)


if __name__ == "__main__":
    main(*sys.argv[1:])
