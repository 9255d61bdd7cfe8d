"""How often the rule of the verdict is wrong, and how often it finds what is there: simulated with made-up methods.

    python -m benchmarks.verdict_power [repetitions]

It writes results/verdict_power.csv. docs/verdict.md shows its rows. The rule of revision 8b65e41 stands beside the present one.

Each method gives each image a score: its quality, how easy the image is, and normal effects of the network, of the method on
this image, and of the network on this image. Metrics are taken from scores: the score itself (continuous), whether it is positive
(binary), the AUC of scores that count for the true class, and the mean of the binary one over three targets.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from align.files import whole_file
from align.statistics.auc_values import auc_values
from align.statistics.corrections import holm
from align.statistics.crossed_variance import Estimate, Sample, estimate
from align.verdict.rule import ALPHA, Advantage, outcomes

OUTPUT = Path("results/verdict_power.csv")
REPETITIONS = 1000
SEEDS = (3, 5, 10)
IMAGES = 200
EASE = 0.8  # mean score: eight of ten images have a positive one
DRAWS = 250  # of the former bootstrap, which took 2,000
BASELINES = 6

Array = npt.NDArray[np.float64]


class Noise(NamedTuple):
    """Standard deviations of a method's scores.

    Attributes:
        network: of the effect of a network, that is of a seed, on all images.
        image: of the effect of a method on an image.
        rest: of the effect of a network on an image.
    """

    network: float
    image: float
    rest: float


class Metric(NamedTuple):
    """A metric of scores.

    Attributes:
        targets: the number of targets that it is the mean over.
        values: a function of scores S×N that returns values of single images.
        draws: a function of scores S×N and counts B×N that returns the metric on each draw of images, B×S.
    """

    targets: int
    values: Callable[[Array], Array]
    draws: Callable[[Array, Array], Array]


NOISES = {
    "only the rest": (Noise(0, 0, 1), 0.15),
    "images": (Noise(0, 0.5, 1), 0.2),
    "images, weak seeds": (Noise(0.1, 0.5, 1), 0.25),
    "images, strong seeds": (Noise(0.3, 0.5, 1), 0.6),
}
"""Standard deviations, and the difference in quality that power is simulated with."""


def main(repetitions: int = REPETITIONS) -> None:
    table = pd.DataFrame(rows(repetitions))
    with whole_file(OUTPUT) as partial_file:
        table.to_csv(partial_file, index=False, float_format="%.4f")
    print(summary(table))
    print(OUTPUT)


def summary(table: pd.DataFrame) -> str:
    """Return the table of docs/verdict.md: percentages, those of each number of seeds in one cell."""
    shares = table.columns.drop(["comparison", "noise", "seeds"])
    texts = table.assign(
        **{share: [f"{100 * value:.1f}" if value < 0.1 else f"{100 * value:.0f}" for value in table[share]] for share in shares}
    )
    cells = texts.groupby(["comparison", "noise"], sort=False)[list(shares)].agg(" / ".join).reset_index()
    lines = [[column.replace("_", ", ") for column in cells], ["---"] * len(cells.columns), *cells.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rows(repetitions: int, seeds: Sequence[int] = SEEDS, images: int = IMAGES) -> Iterator[dict[str, object]]:
    """Yield a row for each metric, mixture of noise and number of seeds, then those of the whole rule for six baselines.

    A row has the share of repetitions in which each rule found a difference: where there is none (level), and where there is one
    (power). For six baselines the level is that of a method which equals one of them and is far better than the others.
    """
    for (title, metric), (name, (noise, effect)), count in product(METRICS.items(), NOISES.items(), seeds):
        yield {"comparison": title, "noise": name, "seeds": count} | {
            f"{kind}_{rule}": share
            for kind, quality in (("level", 0.0), ("power", effect))
            for rule, share in found(metric, noise, count, images, quality, repetitions).items()
        }
    for (name, (noise, effect)), count in product(NOISES.items(), seeds):
        as_good_as_one = [0.0, *(-5 * effect for _ in range(BASELINES - 1))]
        better_than_all = [-2 * effect] * BASELINES
        yield {"comparison": f"better than each of {BASELINES}", "noise": name, "seeds": count} | {
            f"{kind}_{rule}": share
            for kind, others in (("level", as_good_as_one), ("power", better_than_all))
            for rule, share in found_best(noise, count, images, others, repetitions).items()
        }


def scores(random: np.random.Generator, quality: Sequence[float], seeds: int, images: int, noise: Noise, targets: int) -> Array:
    """Return the scores of M methods by S networks each on N images of each of T targets: T×M×S×N."""
    methods = len(quality)

    def effect(deviation: float, *shape: int) -> Array:
        return random.normal(0, 1, shape) * deviation

    return (
        np.reshape(quality, (1, methods, 1, 1))
        + EASE
        + effect(1, targets, 1, 1, images)
        + effect(noise.network, 1, methods, seeds, 1)
        + effect(noise.image, targets, methods, 1, images)
        + effect(noise.rest, targets, methods, seeds, images)
    )


def found(metric: Metric, noise: Noise, seeds: int, images: int, quality: float, repetitions: int) -> dict[str, float]:
    """Return the share of repetitions in which each rule says that two methods differ, of which one is better by ``quality``."""
    random = np.random.default_rng(0)
    image_counts, seed_counts = [drawn(random, images) for _ in range(metric.targets)], drawn(random, seeds)
    p_values = []
    for _ in range(repetitions):
        by_target = scores(random, (quality, 0.0), seeds, images, noise, metric.targets)
        new = estimate([sample(metric.values(one) - metric.values(other), target) for target, (one, other) in named(by_target)])
        p_values.append((new.p, former(metric, by_target, image_counts, seed_counts).p))
    return dict(zip(("new", "former"), (np.array(p_values) < ALPHA).mean(axis=0)))


def found_best(noise: Noise, seeds: int, images: int, others: Sequence[float], repetitions: int) -> dict[str, float]:
    """Return the share of repetitions in which a method is called better than each of ``others``, by binary values."""
    random = np.random.default_rng(0)
    metric = METRICS["binary"]
    image_counts, seed_counts = [drawn(random, images)], drawn(random, seeds)
    held = []
    for _ in range(repetitions):
        (ours, *baselines) = scores(random, (0.0, *others), seeds, images, noise, 1)[0]
        new = [estimate([sample(metric.values(ours) - metric.values(other), "")]) for other in baselines]
        old = [former(metric, np.stack([ours, other])[np.newaxis], image_counts, seed_counts) for other in baselines]
        (outcome,) = outcomes([[advantage(one, seeds, images) for one in new]])
        held.append((outcome == "holds", beats_all(old)))
    return dict(zip(("new", "former"), np.mean(held, axis=0)))


def named(by_target: Array) -> Iterator[tuple[str, Array]]:
    return ((str(number), pair) for number, pair in enumerate(by_target))


def sample(by_image: Array, target: str) -> Sample:
    count = by_image.shape[1]
    return Sample("source", target, np.arange(count).astype(str), by_image, count)


def advantage(found: Estimate, seeds: int, images: int) -> Advantage:
    return Advantage(found.value, found.low, found.high, found.p, 1.0, seeds, images)


def beats_all(found: Sequence[Estimate]) -> bool:
    """Return whether all differences are positive, with p < 0.05 after Holm's correction: what the former rule asked for."""
    return all(one.value > 0 and p < ALPHA for one, p in zip(found, holm([one.p for one in found])))


def drawn(random: np.random.Generator, count: int) -> Array:
    """Return how often each of ``count`` items occurs in each of B draws of as many with replacement: B×count."""
    return random.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(float)


def former(metric: Metric, by_target: Array, image_counts: Sequence[Array], seed_counts: Array) -> Estimate:
    """Return the difference by the rule of revision 8b65e41: a bootstrap of images crossed with seeds, for the variance only.

    Args:
        metric: the metric.
        by_target: scores of two methods, T×2×S×N.
        image_counts: for each target B×N, from :func:`drawn`. As in that revision, all methods share them.
        seed_counts: B×S.
    """
    seeds = seed_counts.shape[1]
    draws = [metric.draws(one, counts) - metric.draws(other, counts) for (one, other), counts in zip(by_target, image_counts)]
    by_seed = [(metric.values(one) - metric.values(other)).mean(axis=1) for one, other in by_target]
    differences = np.mean(by_seed, axis=0)
    of_seeds = differences.var(ddof=1) / seeds
    variance = (np.mean(draws, axis=0) * seed_counts).mean(axis=1).var(ddof=1) + of_seeds / seeds
    freedom = (seeds - 1) * (variance / of_seeds) ** 2 if of_seeds else np.inf
    value = float(differences.mean())
    return Estimate(value, np.nan, np.nan, float(2 * stats.t.sf(abs(value) / variance**0.5, freedom)))


def drawn_means(values: Callable[[Array], Array], found: Array, counts: Array) -> Array:
    return counts @ values(found).T / counts.sum(axis=1, keepdims=True)


def positives(images: int) -> npt.NDArray[np.bool_]:
    return np.arange(images) % 2 == 0


def aucs_by_image(found: Array) -> Array:
    is_positive = positives(found.shape[1])
    of_positive = np.where(is_positive, found, -found)  # a score counts for the true class
    return auc_values(np.stack([-of_positive, of_positive], axis=-1), is_positive.astype(np.int64))


def drawn_aucs(found: Array, counts: Array) -> Array:
    is_positive = positives(found.shape[1])
    ones, zeros = counts[:, is_positive], counts[:, ~is_positive]
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    in_order = (score[is_positive, np.newaxis] > -score[~is_positive] for score in found)
    return np.stack([((ones @ ordered) * zeros).sum(axis=1) / pairs for ordered in in_order], axis=1)


def is_positive(found: Array) -> Array:
    return (found > 0).astype(float)


def itself(found: Array) -> Array:
    return found


METRICS = {
    "continuous": Metric(1, itself, partial(drawn_means, itself)),
    "binary": Metric(1, is_positive, partial(drawn_means, is_positive)),
    "AUC": Metric(1, aucs_by_image, drawn_aucs),
    "mean over 3 targets": Metric(3, is_positive, partial(drawn_means, is_positive)),
}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
