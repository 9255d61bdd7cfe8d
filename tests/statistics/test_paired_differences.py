"""Differences between methods: the analysis of variance, AUC as a mean over images, and the correction of p-values."""

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from align.statistics.auc_values import auc_values
from align.statistics.corrections import holm
from align.statistics.crossed_variance import Sample, estimate


def generator(seed=0):
    return np.random.default_rng(seed)


def sample(by_image, source="a", target="b", images=None, fewest=None):
    by_image = np.asarray(by_image, dtype=float)
    names = np.arange(by_image.shape[1]) if images is None else images
    return Sample(source, target, np.asarray(names).astype(str), by_image, by_image.shape[1] if fewest is None else fewest)


def layout(seeds, images, seed_effect=0.0, image_effect=0.0, random=None, mean=0.0):
    random = random or generator()
    return (
        mean
        + random.normal(0, 1, (seeds, 1)) * seed_effect
        + random.normal(0, 1, (1, images)) * image_effect
        + random.normal(0, 1, (seeds, images))
    )


def mean_squares(values):
    """Return the mean squares of seeds, images and the rest, by sums over single cells."""
    (seeds, images), grand = values.shape, values.mean()
    of_seeds = sum(images * (values[s].mean() - grand) ** 2 for s in range(seeds)) / (seeds - 1)
    of_images = sum(seeds * (values[:, i].mean() - grand) ** 2 for i in range(images)) / (images - 1)
    cells = itertools.product(range(seeds), range(images))
    rest = sum((values[s, i] - values[s].mean() - values[:, i].mean() + grand) ** 2 for s, i in cells)
    return of_seeds, of_images, rest / ((seeds - 1) * (images - 1))


# One setting.


def test_interval_is_that_of_an_analysis_of_variance_by_hand():
    values = layout(4, 30, 0.6, 0.7, mean=0.3)
    of_seeds, of_images, rest = mean_squares(values)
    assert of_seeds > rest < of_images
    total = of_seeds + of_images - rest
    freedom = total**2 / (of_seeds**2 / 3 + of_images**2 / 29 + rest**2 / 87)
    expected = stats.t(freedom, values.mean(), (total / values.size) ** 0.5)
    found = estimate([sample(values)])
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(expected.interval(0.95))
    assert found.p == pytest.approx(2 * min(expected.cdf(0), expected.sf(0)))


def test_two_seeds_and_two_images_are_enough_for_an_interval():
    """Mean squares: 4 · 2.75² of seeds, 4 · 2.25² of images, 4 · 0.25² of the rest. Each has one degree of freedom."""
    total = 30.25 + 20.25 - 0.25
    freedom = total**2 / (30.25**2 + 20.25**2 + 0.25**2)
    found = estimate([sample([[0.0, 4.0], [5.0, 10.0]])])
    assert (found.low, found.high) == pytest.approx(stats.t(freedom, 4.75, (total / 4) ** 0.5).interval(0.95))


def test_the_variance_is_never_below_a_part_of_it():
    """With seeds that agree by chance, seeds and rest together would be negative. The images' part stays."""
    values = layout(3, 30)
    values -= values.mean(axis=1, keepdims=True) - 0.1
    of_seeds, of_images, rest = mean_squares(values)
    assert of_seeds == pytest.approx(0)
    freedom = of_images**2 / (of_images**2 / 29 + rest**2 / 58)
    found = estimate([sample(values)])
    assert found.high - 0.1 == pytest.approx(stats.t.ppf(0.975, freedom) * (of_images / values.size) ** 0.5)
    turned = estimate([sample(values.T)])  # seeds and images have the same part in the sum
    assert turned == pytest.approx(found)


@pytest.mark.parametrize(("axis", "count"), [(0, 200), (1, 3)])
def test_what_varies_in_one_way_only_is_student_s_test(axis, count):
    """Seeds that agree on every image leave the images' test, and images that agree for every seed the seeds'."""
    values = generator().normal(0.1, 1, count)
    whole = np.broadcast_to(np.expand_dims(values, axis), (3, 200))
    found = estimate([sample(whole)])
    expected = stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_one_seed_has_the_images_interval():
    values = generator().normal(0.1, 1, 50)
    found = estimate([sample([values])])
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_equal_methods_do_not_differ():
    ours = sample(layout(3, 40))
    assert estimate([ours.minus(ours)]) == (0, 0, 0, 1)


def test_a_difference_that_never_varies_is_certain():
    assert estimate([sample(np.full((3, 40), 0.1))]) == pytest.approx((0.1, 0.1, 0.1, 0))


@pytest.mark.parametrize(("images", "fewest"), [(1, 1), (40, 1)])
def test_one_image_or_a_class_with_one_has_no_interval(images, fewest):
    found = estimate([sample(layout(3, images, mean=1.0), fewest=fewest)])
    assert np.isfinite(found.value)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(
    ("seed_effect", "image_effect", "least", "most"),
    [(0.0, 0.0, 0.0, 0.04), (0.0, 1.0, 0.03, 0.07), (0.05, 0.5, 0.01, 0.07), (1.0, 0.5, 0.03, 0.07)],
)
def test_no_difference_is_called_one_as_often_as_allowed(seed_effect, image_effect, least, most):
    """Of 2,000 made-up comparisons with five seeds and no true difference, at most about 5 % have p < 0.05."""
    random = generator()
    p_values = [estimate([sample(layout(5, 60, seed_effect, image_effect, random))]).p for _ in range(2000)]
    assert least <= np.mean(np.array(p_values) < 0.05) <= most


def test_what_a_network_does_on_one_image_counts_once():
    """Without effects of seeds and images, the variance is that of the rest over all cells, and not a multiple of it."""
    random = generator()
    half_widths = []
    for _ in range(200):
        found = estimate([sample(layout(10, 200, random=random))])
        half_widths.append((found.high - found.low) / 2)
    assert np.median(half_widths) == pytest.approx(2.0 / 2000**0.5, rel=0.15)


# Several settings.


def test_other_sources_and_targets_are_independent():
    """Settings that share nothing add up as independent means do."""
    one, other = layout(3, 30, 1.0, 0.7, mean=1.0), layout(3, 50, 1.0, 0.7, generator(1), 2.0)
    terms = []
    for values in (one, other):
        images = values.shape[1] - 1
        terms += [
            (sign * mean_square / values.size / 4, freedom)
            for mean_square, freedom, sign in zip(mean_squares(values), (2, images, 2 * images), (1, 1, -1))
        ]
    variance = sum(term for term, _ in terms)
    freedom = variance**2 / sum(term**2 / freedom for term, freedom in terms)
    found = estimate([sample(one, "a", "c"), sample(other, "b", "d")])
    assert found.value == pytest.approx((one.mean() + other.mean()) / 2)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, freedom) * variance**0.5)


def half_width(samples):
    found = estimate(samples)
    return (found.high - found.low) / 2


def test_sources_of_one_target_share_its_images():
    values = np.tile(generator().normal(0, 1, 200), (3, 1))
    alone = half_width([sample(values, "a", "c")])
    assert half_width([sample(values, "a", "c"), sample(values, "b", "c")]) == pytest.approx(alone)
    assert half_width([sample(values, "a", "c"), sample(values, "b", "d")]) == pytest.approx(alone / 2**0.5, rel=0.02)
    turned = sample(values[:, ::-1], "b", "c", images=np.arange(200)[::-1])  # the order of the images does not matter
    assert half_width([sample(values, "a", "c"), turned]) == pytest.approx(alone)
    others = sample(values, "b", "c", images=np.arange(200, 400))
    assert half_width([sample(values, "a", "c"), others]) == pytest.approx(alone / 2**0.5, rel=0.02)


def test_targets_of_one_source_share_its_networks():
    values = np.tile([[0.1], [0.2], [0.6]], 200)
    alone = half_width([sample(values, "a", "c")])
    assert half_width([sample(values, "a", "c"), sample(values, "a", "d")]) == pytest.approx(alone)
    opposite = sample(1 - values, "a", "d")  # what a seed wins on one target, it loses on the other
    assert half_width([sample(values, "a", "c"), opposite]) == pytest.approx(0)
    independent = stats.t.ppf(0.975, 4) / stats.t.ppf(0.975, 2) / 2**0.5
    assert half_width([sample(values, "a", "c"), sample(values, "b", "d")]) == pytest.approx(alone * independent)


def test_a_mean_over_settings_that_share_networks_and_images_keeps_the_level():
    random, calls = generator(), 0
    for _ in range(1000):
        networks = {source: random.normal(0, 0.2, (5, 1)) for source in "ab"}
        images = {target: random.normal(0, 1, (1, 40)) for target in "cd"}
        settings = itertools.product("ab", "cd")
        calls += estimate([sample(layout(5, 40, random=random) + networks[s] + images[t], s, t) for s, t in settings]).p < 0.05
    assert 0.02 <= calls / 1000 <= 0.08


# AUC.


def macro_auc(probabilities, labels):
    return np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in np.unique(labels)])


def test_values_of_images_have_scikit_learn_s_auc_as_their_mean():
    probabilities = generator().dirichlet(np.ones(4), (2, 60)).round(1)  # rounded, so that some tie
    labels = generator(1).integers(0, 3, 60)  # the fourth class does not occur
    found = auc_values(probabilities, labels)
    assert found.mean(axis=1) == pytest.approx([macro_auc(one, labels) for one in probabilities])


def delong_variance(difference_of_pairs):
    """Return the variance of the mean of n₁×n₀ pairs of a positive and a negative image (DeLong et al., equation 5)."""
    positives, negatives = difference_of_pairs.shape
    of_positives, of_negatives = difference_of_pairs.mean(axis=1), difference_of_pairs.mean(axis=0)
    return np.var(of_positives, ddof=1) / positives + np.var(of_negatives, ddof=1) / negatives


def pairs_in_order(scores, positive):
    higher = np.sign(np.subtract.outer(scores[positive], scores[~positive]))
    return (higher + 1) / 2


@pytest.mark.parametrize("share", [0.5, 0.1, 2 / 80])
def test_variance_of_a_difference_of_aucs_is_delong_s(share):
    """Against all pairs of a positive and a negative image, with ties."""
    positive = np.arange(80) < share * 80
    one, other = (generator().random((2, 80)) + 0.2 * positive).round(1)
    found = [auc_values(np.stack([-p, p], axis=-1)[np.newaxis], positive.astype(int)) for p in (one, other)]
    difference = found[0] - found[1]
    expected = delong_variance(pairs_in_order(one, positive) - pairs_in_order(other, positive))
    assert difference.var(ddof=1) / 80 == pytest.approx(expected)
    assert half_width([sample(difference)]) == pytest.approx(stats.t.ppf(0.975, 79) * expected**0.5)


def test_ties_are_worth_half_and_a_perfect_order_one():
    labels = np.array([0, 0, 0, 1, 1])
    assert auc_values(np.full((1, 5, 2), 0.5), labels) == pytest.approx(np.full((1, 5), 0.5))
    perfect = np.stack([1 - labels, labels], axis=-1)[np.newaxis].astype(float)
    assert auc_values(perfect, labels) == pytest.approx(np.ones((1, 5)))


def test_an_image_that_ranks_wrongly_has_the_lowest_value():
    scores, labels = np.array([0.1, 0.2, 0.3, 0.25, 0.4, 0.5]), np.array([0, 0, 0, 1, 1, 1])
    found = auc_values(np.stack([1 - scores, scores], axis=-1)[np.newaxis], labels)[0]
    assert found.mean() == pytest.approx(8 / 9)
    assert sorted(found.argsort()[:2]) == [2, 3]  # 0.3 and 0.25 are the pair in the wrong order


def test_a_class_with_one_image_has_an_auc():
    probabilities, labels = generator().dirichlet(np.ones(2), (3, 10)), np.array([1, *[0] * 9])
    assert auc_values(probabilities, labels).mean(axis=1) == pytest.approx([macro_auc(one, labels) for one in probabilities])


@pytest.mark.parametrize("positives", [5, 30])
def test_aucs_that_do_not_differ_are_rarely_called_different(positives):
    random, positive = generator(), np.arange(60) < positives
    calls = 0
    for _ in range(500):
        ease = random.normal(0, 1, 60) + positive
        scores = 1 / (1 + np.exp(-(ease + random.normal(0, 0.7, (2, 1, 60)) + random.normal(0, 0.5, (2, 4, 60)))))
        one, other = (auc_values(np.stack([1 - p, p], axis=-1), positive.astype(int)) for p in scores)
        calls += estimate([sample(one - other)]).p < 0.05
    assert 0.005 <= calls / 500 <= 0.08


# Corrections.


def test_holm_against_its_definition():
    # 0.01·4; max(0.04, 0.02·3); max(0.06, 0.03·2); 0.9
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([0.6, 0.7, 0.1]) == pytest.approx([1, 1, 0.3])  # no probability is above 1
    assert holm([]) == []
    assert holm([0.03, np.nan, 0.01, 0.9, 0.02])[2:] == pytest.approx([0.04, 0.9, 0.06])  # NaN is no test
    assert np.isnan(holm([0.03, np.nan])[1])
