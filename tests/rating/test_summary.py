"""The numbers of a study: means, intervals, agreement, and raters who fail the controls."""

import numpy as np
import pandas as pd
import pytest
from made_up import GOOD, answers_of, write_answers, write_study

from align.rating.answers import read_ratings
from align.rating.summary import agreement, counted, judged_raters, mean_ratings, rated_runs, remarks


def ratings_of(folder, *raters, trial=False):
    """Return the ratings of raters, each given as the keyword arguments of ``answers_of``."""
    key = write_study(folder, trial)
    for rater, how in enumerate(raters, 1):
        write_answers(folder, answers_of(key, rater, **how))
    return read_ratings(folder)


def test_means_of_raters_and_images(tmp_path):
    ratings = ratings_of(tmp_path, {}, {"overall": GOOD | {"align": 5}}, {"overall": GOOD | {"align": 3}})
    means = mean_ratings(counted(ratings)).set_index(["method", "question"])
    assert means.loc[("align", "overall"), "value"] == pytest.approx(4)
    assert means.loc[("align", "background"), "value"] == pytest.approx(2)
    assert means.loc[("erm", "overall"), ["value", "low", "high"]].tolist() == [2, 2, 2]
    # Three raters with 3, 4 and 5 on every image: Student's t with 2 degrees of freedom, 4.303 standard errors of 1 / √3.
    assert means.loc[("align", "overall"), "high"] == pytest.approx(4 + 4.3027 / 3**0.5, abs=1e-3)
    assert means["raters"].eq(3).all()
    assert means["images"].eq(5).all()


def test_a_rater_who_takes_random_masks_for_true_ones_does_not_count(tmp_path):
    ratings = ratings_of(tmp_path, {}, {"overall": dict.fromkeys(GOOD, 3)})
    assert [rater.failed for rater in judged_raters(ratings)] == [
        "",
        "random masks rated 3.0 as a whole, and true masks 3.0",
    ]
    assert counted(ratings)["rater"].unique().tolist() == [1]
    assert "Rater 2 does not count: random masks rated 3.0 as a whole, and true masks 3.0." in list(remarks(ratings))
    assert "1 rater counts, of 2." in list(remarks(ratings))


def test_a_rater_who_contradicts_himself_does_not_count(tmp_path):
    ratings = ratings_of(tmp_path, {"again": 2}, {"again": 1})
    assert [rater.failed for rater in judged_raters(ratings)] == ["two ratings of the same mask differ by 2.0 on average", ""]


def test_without_true_masks_random_ones_are_compared_with_those_of_methods(tmp_path):
    ratings = ratings_of(tmp_path, {}, {"overall": GOOD | {"random mask": 4}})
    ratings = ratings[ratings["method"] != "true mask"]
    assert [rater.failed for rater in judged_raters(ratings)] == [
        "",
        "random masks rated 4.0 as a whole, and masks of methods 3.0",
    ]


def test_agreement_is_krippendorffs_alpha():
    # Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, section E: 12 units, four observers, missing values;
    # alpha of interval data is 0.849.
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    ratings = pd.DataFrame(
        [
            {"rater": rater, "method": "align", "path": str(unit), "overall": value}
            for rater, values in enumerate(rows)
            for unit, value in enumerate(values)
            if value is not None
        ]
    )
    assert agreement(ratings, "overall") == pytest.approx(0.849, abs=5e-4)
    assert np.isnan(agreement(ratings[ratings["rater"] == 1], "overall"))


def test_a_trial_says_that_it_is_made_up_and_gives_the_verdict_nothing(tmp_path):
    ratings = ratings_of(tmp_path, {}, trial=True)
    assert next(remarks(ratings)) == "The answers are made up: this is a trial of the study, and no person rated anything."
    assert rated_runs(ratings) == []


def test_raters_take_the_place_of_seeds(tmp_path):
    runs = rated_runs(ratings_of(tmp_path, {}, {}))
    assert {(run.method, run.seed, run.dataset, run.domain) for run, _ in runs} == {
        (method, rater, "birds", "river") for method in ("align", "erm") for rater in (1, 2)
    }
    assert all(rows["path"].is_monotonic_increasing and len(rows) == 5 for _, rows in runs)


def test_no_rater_counts(tmp_path):
    ratings = ratings_of(tmp_path, {"again": 2})
    assert next(remarks(ratings)) == "0 raters count, of 1."
    assert rated_runs(ratings) == []
    assert mean_ratings(counted(ratings)).empty
