"""Average ranks of methods over settings: what is counted, ties, and when the tests are left out."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from align.statistics.ranks import FEWEST_SETTINGS, rank_methods, rank_table

COLUMNS = ["distribution", "metric", "method", "average_rank", "settings", "friedman_p", "critical_difference"]


def metrics(values, **columns):
    """Return rows of ``metrics.csv``: of each method and target domain one value, out of distribution unless it is ``a``."""
    rows = [(method, target, value) for method, by_target in values.items() for target, value in by_target.items()]
    frame = pd.DataFrame(rows, columns=["method", "target_domain", "value"])
    frame["distribution"] = frame["target_domain"].eq("a").map({True: "in", False: "out"})
    fixed = {"study": "comparison", "dataset": "my", "protocol": "single_source", "source_domain": "a", "metric": "accuracy"}
    return frame.assign(**({"seed": 0, "n": 10} | fixed | columns))


@pytest.mark.parametrize("settings", [FEWEST_SETTINGS - 1, FEWEST_SETTINGS])
def test_so_many_settings_are_tested_and_not_one_fewer(settings):
    values = pd.DataFrame(np.random.default_rng(0).random((settings, 3)), columns=list("xyz"))
    found = rank_methods(values, True)
    tested = settings == FEWEST_SETTINGS
    assert (not np.isnan(found.p), not np.isnan(found.critical_difference)) == (tested, tested)
    if tested:
        assert found.p == pytest.approx(stats.friedmanchisquare(*values.to_numpy().T).pvalue)


def test_methods_that_tie_everywhere_do_not_differ():
    found = rank_methods(pd.DataFrame({name: np.arange(6.0) for name in "xyz"}), True)
    assert found.average.tolist() == [2, 2, 2]
    assert found.p == 1


def test_the_best_method_comes_first_and_tied_ones_keep_their_order():
    table = rank_table(metrics({"sgt": {"a": 0.5}, "erm": {"a": 0.5}, "align": {"a": 0.9}, "dre": {"a": 0.1}}))
    assert table.columns.tolist() == COLUMNS
    inside = table[table["distribution"] == "in"]
    assert inside["method"].tolist() == ["align", "sgt", "erm", "dre"]
    assert inside["average_rank"].tolist() == [1, 2.5, 2.5, 4]
    assert table.index.tolist() == list(range(8))  # also in both distributions together


def test_other_metrics_and_protocols_do_not_count():
    values = {"erm": {"a": 0.5}, "sgt": {"a": 0.6}}
    turned = {"erm": {"a": 0.9}, "sgt": {"a": 0.1}}
    expected = rank_table(metrics(values))
    for other in ({"metric": "iou"}, {"protocol": "leave_one_domain_out"}, {"study": "mask_quality"}):
        both = pd.concat([metrics(values), metrics(turned, target_domain="b", **other)], ignore_index=True)
        pd.testing.assert_frame_equal(rank_table(both), expected)


@pytest.mark.parametrize(
    "values",
    [{"erm": {"a": 0.5}}, {"erm": {"a": 0.5}, "sgt": {"b": 0.5}}, {}],
    ids=["one method", "no setting in common", "nothing"],
)
def test_what_cannot_be_ranked_has_no_rows(values):
    table = rank_table(metrics(values))
    assert table.columns.tolist() == COLUMNS
    assert len(table[table["distribution"] == "both"]) == 0


def test_a_metric_that_is_better_when_lower_ranks_its_lowest_first():
    values = {"erm": {"a": 0.5}, "sgt": {"a": 0.6}}
    table = rank_table(metrics(values, metric="deletion_auc"), "deletion_auc")
    assert table[table["distribution"] == "in"]["method"].tolist() == ["erm", "sgt"]
