"""Which methods are bold: the best of a column, and what a paired t-test over seeds cannot tell from it."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from align.methods.naming import is_upper_bound
from align.tables.method_summary import method_summary

NAN = float("nan")


def among_best(metric="accuracy", **values):
    """Return the methods that are bold in a column. Each method has a value for each seed."""
    rows = [
        (method.replace("_masker", "-masker"), seed, value) for method, own in values.items() for seed, value in enumerate(own)
    ]
    frame = pd.DataFrame(rows, columns=["method", "seed", "value"]).assign(metric=metric)
    summary = method_summary(frame)
    return list(summary.loc[summary["among_best"], "method"])


def test_what_cannot_be_told_from_the_best_is_bold():
    # Differences to the best: erm 0.01, 0.05, 0.03 (t = 2.6, p = 0.12); sgt 0.09, 0.11, 0.10 (t = 17, p = 0.003).
    found = among_best(align=(0.90, 0.92, 0.94), erm=(0.89, 0.87, 0.91), sgt=(0.81, 0.81, 0.84))
    assert found == ["align", "erm"]


def test_lower_may_be_better():
    assert among_best("sufficiency", align=(0.1, 0.12, 0.11), erm=(0.5, 0.51, 0.53)) == ["align"]


def test_no_direction_is_better_for_an_area():
    assert among_best("learned_mask_area", align=(0.1, 0.12, 0.11), erm=(0.5, 0.51, 0.53)) == []


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_tell_nothing_apart(seeds):
    assert among_best(align=(0.9,) * seeds, erm=(0.1,) * seeds) == []


def test_one_method_is_compared_with_nothing():
    assert among_best(align=(0.9, 0.8, 0.7)) == []


def test_a_difference_that_every_seed_has_is_told_and_equal_values_are_not():
    assert among_best(align=(0.9, 0.8, 0.7), dre=(0.9, 0.8, 0.7), erm=(0.8, 0.7, 0.6)) == ["align", "dre"]


def test_upper_bounds_are_not_compared():
    found = among_best(**{"align": (0.9, 0.8, 0.7), "erm": (0.5, 0.4, 0.3), "align_masker=ground_truth": (1.0, 1.0, 1.0)})
    assert found == ["align"]


def test_undefined_values_are_left_out():
    assert among_best(align=(0.9, NAN, 0.7), dre=(0.5, 0.4, 0.3), erm=(0.1, 0.02, -0.1)) == ["dre"]


def test_settings_are_compared_apart():
    rows = [
        (m, s, d, v + s / 100)
        for d, shift in (("a", 0), ("b", -0.5))
        for m, v in (("erm", 0.5), ("sgt", 0.6 + shift))
        for s in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["method", "seed", "domain", "value"]).assign(metric="accuracy")
    best = method_summary(frame).query("among_best")
    assert list(zip(best["domain"], best["method"])) == [("a", "sgt"), ("b", "erm")]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6))
def test_the_test_is_scipy_s(pairs):
    first, second = zip(*[(round(a, 2), round(b, 2)) for a, b in pairs])
    differences = {round(a - b, 2) for a, b in zip(first, second)}
    if len(differences) > 1 and sum(first) != sum(second):
        told = ttest_rel(first, second).pvalue < 0.05
        assert len(among_best(align=first, erm=second)) == (1 if told else 2)


@pytest.mark.parametrize(
    ("variant", "given"),
    [
        ("align", False),
        ("align-masker=grey", False),
        ("align-masker=ground_truth", True),
        ("align-plus-lambda3=0.3-masker=ground_truth", True),
        ("masked_erm", True),  # by default with true masks
        ("masked_erm-degradation=eroded-degree=0.1", True),
        ("masked_erm-mask=learned", False),
    ],
)
def test_who_is_given_true_masks(variant, given):
    assert is_upper_bound(variant) == given
