"""The numbers of a study: the mean rating of each method with its interval, the agreement of raters, and raters who failed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from align.configuration.run import Run
from align.rating import CONSISTENT, QUESTIONS, RANDOM, TRUTH
from align.rating.answers import AGAIN, CONTROL, RATED
from align.statistics.crossed_variance import Estimate, Sample, estimate


class Rater(NamedTuple):
    """How one rater did on the controls.

    Attributes:
        rater: the number.
        truth: the mean overall rating of true masks, NaN if the study has none.
        random: that of random masks.
        rated: that of the masks of all methods.
        change: the mean difference between two overall ratings of the same mask.
        failed: what the rater failed in; empty for none. Then the ratings do not count.
    """

    rater: int
    truth: float
    random: float
    rated: float
    change: float
    failed: str


def judged_raters(ratings: pd.DataFrame) -> list[Rater]:
    """Return how each rater did.

    A rater fails who rates random masks no lower than true masks (or, without true masks, than the masks of the methods), or
    whose two ratings of a mask differ by more than ``CONSISTENT`` on average.

    Args:
        ratings: see :func:`align.rating.answers.read_ratings`.
    """
    return [_judged(int(str(rater)), rows) for rater, rows in ratings.groupby("rater")]


def counted(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings of the methods' masks by the raters who did not fail."""
    failed = [rater.rater for rater in judged_raters(ratings) if rater.failed]
    return ratings[ratings["kind"].eq(RATED) & ~ratings["rater"].isin(failed)]


def mean_ratings(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each data set, source, method and question: value, low, high, raters and images.

    The mean is over raters and images, which are crossed. Target domains have the same weight.

    Args:
        ratings: those that count, see :func:`counted`.
    """
    rows = [
        (*names, question, *found[:3], by_method["rater"].nunique(), by_method["path"].nunique())
        for names, by_method in ratings.groupby(["dataset", "source_domain", "method"], sort=False)
        for question in QUESTIONS
        for found in [mean_rating(by_method, question)]
    ]
    columns = ["dataset", "source_domain", "method", "question", "value", "low", "high", "raters", "images"]
    return pd.DataFrame(rows, columns=columns)


def mean_rating(by_method: pd.DataFrame, question: str) -> Estimate:
    """Return the mean rating of one method's masks, with its interval over raters and images."""
    samples = []
    for (source, target), rows in by_method.groupby(["source_domain", "target_domain"], sort=False):
        table = rows.pivot_table(index="rater", columns="path", values=question)
        samples.append(Sample(str(source), str(target), table.columns.to_numpy(str), table.to_numpy(float), table.shape[1]))
    return estimate(samples)


def agreement(ratings: pd.DataFrame, question: str) -> float:
    """Return Krippendorff's alpha of a question, with distances as on an interval scale. NaN for one rater, or if all are equal.

    Source: Krippendorff, Content Analysis, 2004, chapter 11. The library nltk computes it.

    Args:
        ratings: those that count, see :func:`counted`.
        question: one of the questions.
    """
    from nltk.metrics.agreement import AnnotationTask
    from nltk.metrics.distance import interval_distance

    if ratings["rater"].nunique() < 2 or ratings[question].nunique() < 2:
        return float("nan")
    triples = [(row.rater, f"{row.method}/{row.path}", getattr(row, question)) for row in ratings.itertuples()]
    return float(AnnotationTask(triples, distance=interval_distance).alpha())


def rated_runs(ratings: pd.DataFrame) -> list[tuple[Run, pd.DataFrame]]:
    """Return the ratings in the form of evaluated runs, a rater in the place of a seed. A trial gives none: it is made up.

    Args:
        ratings: of all raters; those who failed do not count.
    """
    real = counted(ratings[~ratings["trial"].astype(bool)])
    runs = []
    for names, rows in real.sort_values("path").groupby(["dataset", "source_domain", "method", "rater"], sort=False):
        dataset, source, method, rater = map(str, names)
        runs.append((Run(dataset, "single_source", source, method, int(rater)), rows))
    return runs


def remarks(ratings: pd.DataFrame) -> Iterator[str]:
    """Yield sentences on raters, agreement and controls. A trial says first that its answers are made up.

    Args:
        ratings: of all raters, see :func:`align.rating.answers.read_ratings`.
    """
    if ratings["trial"].any():
        yield "The answers are made up: this is a trial of the study, and no person rated anything."
    raters, kept = judged_raters(ratings), counted(ratings)
    number = kept["rater"].nunique()
    yield f"{number} {'rater counts' if number == 1 else 'raters count'}, of {len(raters)}."
    yield from (f"Rater {rater.rater} does not count: {rater.failed}." for rater in raters if rater.failed)
    alphas = {question: agreement(kept, question) for question in QUESTIONS}
    known = ", ".join(f"{question} {alpha:.2f}" for question, alpha in alphas.items() if not np.isnan(alpha))
    if known:
        yield f"Agreement of raters (Krippendorff's alpha, 1 is perfect, 0 is chance): {known}."
    for control in (TRUTH, RANDOM):
        rows = ratings[ratings["method"].eq(control) & ratings["rater"].isin(kept["rater"])]
        if len(rows):
            yield f"The {control} was rated {rows['overall'].mean():.2f} as a whole."


def _judged(rater: int, rows: pd.DataFrame) -> Rater:
    truth, random = (
        float(rows.loc[rows["kind"].eq(CONTROL) & rows["method"].eq(name), "overall"].mean()) for name in (TRUTH, RANDOM)
    )
    rated = float(rows.loc[rows["kind"].eq(RATED), "overall"].mean())
    twice = rows[rows["kind"].isin([RATED, AGAIN])].pivot_table(index=["method", "path"], columns="kind", values="overall")
    change = float((twice[RATED] - twice[AGAIN]).abs().mean()) if AGAIN in twice else float("nan")
    better, name = (rated, "masks of methods") if np.isnan(truth) else (truth, f"{TRUTH}s")
    failed = []
    if random >= better:
        failed.append(f"{RANDOM}s rated {random:.1f} as a whole, and {name} {better:.1f}")
    if change > CONSISTENT:
        failed.append(f"two ratings of the same mask differ by {change:.1f} on average")
    return Rater(rater, truth, random, rated, change, "; ".join(failed))
