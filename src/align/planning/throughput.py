"""The expected seconds of training and evaluation, from images per second that a benchmark measured. No job has to run first."""

import math
from pathlib import Path

import pandas as pd

from align.configuration.schema import Configuration
from align.errors import InputError
from align.methods.naming import method_of
from align.planning.estimates import NOT_MEASURED, Estimate
from align.planning.finished_jobs import JobKind
from align.planning.work import Work

COLUMNS = ("benchmark", "name", "network", "size", "batch_size", "precision", "compile", "per_second", "device")

# What a row measures, in words.
WORDS = {"training step": "training step in {precision}", "data side": "data side", "saliency maps": "{name} in {precision}"}


def read_throughput(path: Path) -> pd.DataFrame:
    """Return the rows of a benchmark's CSV that have a measurement.

    Raises:
        InputError: the file is not one of ``make bench`` or ``make bench-gpu``.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError):
        table = pd.DataFrame()
    absent = [column for column in COLUMNS if column not in table]
    if absent:
        raise InputError(f"{path}: found no column {', '.join(absent)}, expected a CSV of `make bench`; give such a file")
    return table[table["per_second"] > 0]


def by_throughput(kind: JobKind, work: Work | None, rates: pd.DataFrame, configuration: Configuration) -> Estimate:
    """Return what a job is expected to take, from the images per second that were measured with its network.

    An image of a training step takes the time of the method's step, with the configured precision and compilation, and the time
    to load and augment it. An image that is only predicted takes the time of a forward pass in float32, because every device
    evaluates in float32. Of several measurements, the one with the nearest image size counts, then the one with the nearest batch
    size. If the image size differs, the time is scaled by pixels.

    Args:
        kind: the kind of the job.
        work: the work of the job. None if it is unknown.
        rates: the table that :func:`read_throughput` returned.
        configuration: has the precision, the compilation and the batch sizes.
    """
    if work is None:
        return Estimate(None, NOT_MEASURED)
    rows = rates[rates["network"] == work.architecture]
    parts = []
    if work.trained:
        steps = rows[(rows["benchmark"] == "training step") & (rows["name"] == method_of(kind.method or ""))]
        for step_part in (_as_configured(steps, configuration), rows[rows["benchmark"] == "data side"]):
            parts.append(_at_nearest_rate(work.trained, step_part, work.size, configuration.training.batch_size))
    if work.predicted:
        forward = rows[(rows["benchmark"] == "saliency maps") & (rows["name"] == "forward pass")]
        parts.append(_at_nearest_rate(work.predicted, forward, work.size, configuration.evaluation.batch_size))
    seconds = [part.seconds for part in parts if part.seconds is not None]
    if len(seconds) < len(parts):
        return Estimate(None, NOT_MEASURED)
    return Estimate(sum(seconds), " + ".join(part.basis for part in parts))


def _as_configured(steps: pd.DataFrame, configuration: Configuration) -> pd.DataFrame:
    """Return the rows with the configured precision and compilation.

    ``auto`` is bfloat16 if that was measured, because only a device that has it is measured with it.
    """
    compiled = steps[steps["compile"] == configuration.engine.compile]
    precision = configuration.training.precision
    if precision == "auto":
        precision = "bfloat16" if compiled["precision"].eq("bfloat16").any() else "float32"
    return compiled[compiled["precision"] == precision]


def _at_nearest_rate(images: int, rows: pd.DataFrame, size: int, batch_size: int) -> Estimate:
    """Return what ``images`` of ``size`` take at the rate of the nearest row. All rows measure the same thing."""
    if rows.empty:
        return Estimate(None, NOT_MEASURED)
    distances = pd.DataFrame({"size": _distance(rows["size"], size), "batch": _distance(rows["batch_size"], batch_size)})
    row = rows.loc[distances.sort_values(["size", "batch"]).index[0]]
    basis = f"{WORDS[row['benchmark']].format(**row)} ({row['size']:.0f} pixels, batch {row['batch_size']:.0f})"
    scaled = "" if row["size"] == size else " scaled by pixels"
    return Estimate(float(images / row["per_second"] * (size / row["size"]) ** 2), basis + scaled)


def _distance(values: pd.Series, wanted: int) -> pd.Series:
    """Return how far ``values`` are from ``wanted``: 0 if they are equal, and the same for half of it as for twice as much."""
    return (values / wanted).map(math.log).abs()
