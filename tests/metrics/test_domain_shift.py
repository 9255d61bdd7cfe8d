"""Metrics of pairs that show the same object on two backgrounds, and the table of lemmas made of them."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from one_pixel_images import explained
from sklearn.metrics import log_loss

from align.metrics import METRICS
from align.metrics.domain_shift.pairing import find_pairs
from align.metrics.evaluate import measure, measurements
from align.registry import load
from align.tables.theory import theory

FAMILY = [load(entry.implementation) for entry in METRICS.values() if ".domain_shift." in entry.implementation]


def measured(target, source, labels, images=None, source_images=None):
    """The values of all metrics of the family; the images of both domains are pairs in their order."""
    paths = [f"c/{place}.png" for place in range(len(labels))]
    ours, theirs = explained(target, labels, images), explained(source, labels, source_images)
    pairs = find_pairs(ours, [f"target/{path}" for path in paths], theirs, [f"source/{path}" for path in paths])
    return {row["metric"]: row["value"] for row in measurements(measure(explained(target, labels, images, pairs), FAMILY))}


def random_probabilities(generator, n, classes):
    return generator.dirichlet(np.full(classes, 0.5), n)


def test_pairs_are_found_by_what_stands_below_the_domain():
    target = explained([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]], [1, 0, 1], torch.arange(9.0).reshape(3, 3, 1, 1))
    source = explained([[0.4, 0.6], [0.5, 0.5]], [1, 1], torch.zeros(2, 3, 1, 1))
    pairs = find_pairs(
        target, ["noise/one/a.png", "noise/two/a.png", "noise/one/b.png"], source, ["china/one/b.png", "china/one/a.png"]
    )
    assert pairs.indices.tolist() == [0, 2]
    assert pairs.labels.tolist() == [1, 1]
    assert pairs.probabilities[:, 0].tolist() == pytest.approx([0.1, 0.3])
    assert pairs.source_probabilities[:, 0].tolist() == pytest.approx([0.5, 0.4])
    assert pairs.input_distances.tolist() == pytest.approx([math.sqrt(0 + 1 + 4), math.sqrt(36 + 49 + 64)])
    assert find_pairs(target, ["noise/one/c.png"] * 3, source, ["china/one/b.png", "china/one/a.png"]) is None


def test_images_without_a_partner_have_no_value():
    target = explained([[0.1, 0.9], [0.2, 0.8]], [1, 0], torch.ones(2, 3, 1, 1))
    pairs = find_pairs(target, ["t/a/0.png", "t/a/1.png"], explained([[0.4, 0.6]], [0]), ["s/a/1.png"])
    values = measure(explained(target.probabilities, [1, 0], target.images, pairs), FAMILY)
    assert values["local_lipschitz"].isnan().tolist() == values["output_distance"].isnan().tolist() == [True, False]
    assert {row["n"] for row in measurements(values)} == {1}
    assert measure(target, FAMILY) == {}


def test_values_equal_an_independent_computation():
    generator = np.random.default_rng(0)
    n, classes = 40, 4
    target, source = (random_probabilities(generator, n, classes).clip(1e-3) for _ in range(2))
    target, source = (p / p.sum(1, keepdims=True) for p in (target, source))
    labels = generator.integers(0, classes, n)
    images, source_images = (generator.normal(size=(n, 3, 1, 1)) for _ in range(2))
    found = measured(target, source, labels, *(torch.tensor(x, dtype=torch.float32) for x in (images, source_images)))

    distances = [math.dist(p, q) for p, q in zip(target, source)]
    slopes = [d / math.dist(x.ravel(), y.ravel()) for d, x, y in zip(distances, images, source_images)]
    gap = math.dist(target.mean(0), source.mean(0))
    squared = [np.mean([sum((p - np.eye(classes)[y]) ** 2) for p, y in zip(side, labels)]) for side in (target, source)]
    entropies = [log_loss(labels, side, labels=range(classes)) for side in (target, source)]
    least = min(side[place, y] for side in (target, source) for place, y in enumerate(labels))
    assert found == pytest.approx(
        {
            "local_lipschitz": np.mean(slopes),
            "local_lipschitz_95": np.quantile(slopes, 0.95),
            "local_lipschitz_maximum": max(slopes),
            "output_gap": gap,
            "mse_gap": abs(squared[0] - squared[1]),
            "mse_gap_bound": 4 * gap,
            "mse_gap_bound_holds": float(abs(squared[0] - squared[1]) <= 4 * gap),
            "ce_gap": abs(entropies[0] - entropies[1]),
            "output_distance": np.mean(distances),
            "ce_gap_constant": 1 / least,
            "ce_gap_bound": np.mean(distances) / least,
        },
        rel=1e-4,
    )


def test_a_pair_of_equal_images_has_no_slope_even_if_rounding_makes_its_outputs_differ():
    found = measured(
        [[0.5, 0.5], [0.9, 0.1]], [[0.6, 0.4], [0.6, 0.4]], [0, 1], torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    )
    assert found["local_lipschitz_maximum"] == pytest.approx(0.3 * math.sqrt(2) / math.sqrt(3))


def test_a_linear_model_has_its_known_constant():
    """p = (½ + w·x, ½ − w·x): a step along w moves p by √2 |w| for each unit, a step across w by nothing."""
    weights = torch.tensor([0.03, 0.04, 0.0])  # of length 0.05
    images = torch.stack((2 * weights / 0.05, torch.tensor([0.8, -0.6, 5.0]), torch.zeros(3)))
    moved = images @ weights
    found = measured(
        torch.stack((0.5 + moved, 0.5 - moved), 1),
        torch.full((3, 2), 0.5),
        [0, 1, 1],
        images[..., None, None],
        torch.zeros(3, 3, 1, 1),
    )
    assert found["local_lipschitz_maximum"] == pytest.approx(math.sqrt(2) * 0.05)
    assert found["local_lipschitz"] == pytest.approx(
        math.sqrt(2) * 0.05 / 2, abs=1e-7
    )  # of two pairs: the third is one image twice
    assert found["local_lipschitz_95"] == pytest.approx(0.95 * math.sqrt(2) * 0.05, abs=1e-7)


def test_a_model_that_ignores_the_background_has_nothing_to_bound():
    same = [[0.9, 0.1], [0.2, 0.8]]
    found = measured(same, same, [0, 1], torch.ones(2, 3, 1, 1))
    assert {name: value for name, value in found.items() if value} == {
        "mse_gap_bound_holds": 1.0,
        "ce_gap_constant": pytest.approx(1 / 0.8),
    }


def test_lemma_2_s_bound_can_fail_where_changes_cancel_in_the_expected_output():
    found = measured([[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [0, 1])
    assert (found["output_gap"], found["mse_gap"], found["mse_gap_bound_holds"]) == (0, 2, 0)


@settings(max_examples=100)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 12))
def test_what_always_holds(seed, classes, n):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    found = measured(random_probabilities(generator, n, classes), random_probabilities(generator, n, classes), labels)
    assert found["ce_gap"] <= found["ce_gap_bound"] * (1 + 1e-5)
    assert found["mse_gap"] <= 2 * math.sqrt(2) * found["output_distance"] + 1e-5
    assert found["output_gap"] <= found["output_distance"] + 1e-6


def test_a_probability_of_zero_keeps_values_finite():
    found = measured([[1.0, 0.0]], [[0.0, 1.0]], [0], torch.ones(1, 3, 1, 1))
    assert all(math.isfinite(value) for value in found.values())
    assert found["ce_gap"] == pytest.approx(-math.log(torch.finfo(torch.float32).tiny))


# The table.


def rows(study, distribution, *entries):
    frame = pd.DataFrame(entries, columns=["method", "source_domain", "target_domain", "seed", "metric", "value"])
    return frame.assign(study=study, dataset="scenes", protocol="single_source", distribution=distribution, n=10)


def texts(block):
    return [[cell.text for cell in row] for row in block.rows]


def test_table_of_lemmas():
    shifted = [
        (method, "a", target, 0, metric, value)
        for method, factor in (("erm", 1), ("align", 0.5))
        for target, metric, value in (
            ("b", "local_lipschitz", 0.002),
            ("c", "local_lipschitz", 0.004),
            ("b", "mse_gap_bound_holds", 1),
            ("c", "mse_gap_bound_holds", 1),
            ("b", "ce_gap_constant", 2e6),
            ("c", "ce_gap_constant", 4e6),
            ("b", "accuracy", 0.1),
        )
        for value in [value * factor]
    ]
    masked = [
        ("masked_erm", "a", "a", 0, "accuracy", 0.9),
        ("masked_erm-mask=none", "a", "a", 0, "accuracy", 0.8),
        ("masked_erm-degradation=eroded-degree=0.1", "a", "a", 0, "accuracy", 0.7),
        ("masked_erm-degradation=shifted-degree=0.1", "a", "a", 0, "accuracy", 0.6),
        ("masked_erm-mask=grey", "a", "a", 0, "accuracy", 0.5),
    ]
    metrics = pd.concat(
        [
            rows("comparison", "out", *shifted),
            rows("comparison", "in", ("erm", "a", "a", 0, "local_lipschitz", 1.0)),
            rows("mask_quality", "in", *masked),
            rows("mask_quality", "out", ("masked_erm", "a", "b", 0, "accuracy", 0.1)),
        ],
        ignore_index=True,
    )
    table = theory(metrics)
    first, second, third, fourth = table.blocks
    assert first.title == "scenes · single source: lemma 1, sensitivity to the background"
    assert first.header == ["Method", "Local Lipschitz constant, mean ↓"]
    assert texts(first) == [["ERM", "0.003"], ["ALIGN", "0.0015"]]
    assert not first.rows[1][1].best  # one seed tells nothing apart
    assert second.header == ["Method", "Bound holds, share"]
    assert texts(third) == [["ERM", "3e+06"], ["ALIGN", "1.5e+06"]]
    assert [row[1] for row in texts(fourth)] == ["80.0"]
    assert [row[1].text for row in fourth.apart] == ["90.0", "70.0"]  # with true masks
    assert set(table.data["lemma"].str[:7]) == {"lemma 1", "lemma 2", "lemma 3", "lemma 4"}


def test_nothing_paired_gives_an_empty_table():
    assert theory(rows("comparison", "out", ("erm", "a", "b", 0, "accuracy", 0.5))).blocks == []
