"""The verdict: statistics against other libraries and simulations, and the rule on made-up numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from scipy import stats
from sklearn.metrics import roc_auc_score

from align.configuration.runs import Run
from align.errors import InputError
from align.figures.average_ranks import bar_ends, draw_average_ranks
from align.figures.style import style
from align.results.collect import read_results
from align.statistics.corrections import holm
from align.statistics.crossed_bootstrap import Sample, average_samples, bootstrap_aucs, bootstrap_means, draw_counts, estimate
from align.statistics.ranks import critical_difference, rank_methods, rank_table
from align.tables.printing import markdown
from align.tables.verdict import verdict
from align.tables.writing import write_table
from align.verdict.answers import answers
from align.verdict.claims import Superiority, read_claims
from align.verdict.evaluations import Evaluations, Setting
from align.verdict.rule import Advantage, decide, decide_bound, outcome

CLAIMS = REPOSITORY / "reference/claims.yaml"
PUBLISHED = pd.read_csv(REPOSITORY / "reference/align_paper.csv")
BETTER = Advantage(value=0.04, low=0.02, high=0.06, p=0.01, seeds=3, images=200)
WORSE = BETTER._replace(value=-0.04, low=-0.06, high=-0.02)
UNCLEAR = BETTER._replace(low=-0.01, p=0.2)


def generator(seed=0):
    return np.random.default_rng(seed)


# The rule.


@pytest.mark.parametrize(
    ("advantages", "expected"),
    [
        ([BETTER, BETTER], "holds"),
        ([BETTER, UNCLEAR], "open"),
        ([BETTER, WORSE], "opposite"),
        ([WORSE, None], "opposite"),
        ([BETTER, None], "open"),  # a missing competitor cannot be beaten
        ([None], "open"),
        ([BETTER._replace(seeds=2)], "open"),
        ([WORSE._replace(seeds=2)], "open"),
        ([BETTER._replace(images=19)], "open"),
        ([BETTER._replace(p=0.05)], "open"),
        ([BETTER._replace(claimed=0.05)], "holds"),
        ([BETTER._replace(claimed=0.01)], "holds"),
        ([BETTER._replace(claimed=0.07)], "opposite"),  # better, by less than claimed
        ([UNCLEAR._replace(claimed=0.05)], "open"),
        ([BETTER._replace(value=0.0, p=0.0)], "open"),
    ],
)
def test_the_outcome_of_a_setting(advantages, expected):
    assert outcome(advantages) == expected


@pytest.mark.parametrize(
    ("settings", "at_least", "word"),
    [
        (["holds"], 1, "reproduced"),
        (["opposite"], 1, "not reproduced"),
        (["open"], 1, "inconclusive"),
        ([], 1, "not tested"),
        (["holds"] * 5 + ["opposite"], 5, "reproduced"),
        (["holds"] * 4 + ["open", "opposite"], 5, "inconclusive"),
        (["holds"] * 4 + ["opposite"] * 2, 5, "not reproduced"),
        (["opposite"] * 2 + ["open"], 1, "inconclusive"),
    ],
)
def test_the_word_of_a_claim_about_settings(settings, at_least, word):
    assert decide(settings, at_least) == word


def test_the_word_of_a_bound():
    assert decide_bound([(0.1, 0.2), (0.2, 0.2)], seeds=3) == "reproduced"
    assert decide_bound([(0.1, 0.2), (0.21, 0.2)], seeds=3) == "not reproduced"
    assert decide_bound([(0.1, 0.2)], seeds=2) == "inconclusive"
    assert decide_bound([], seeds=0) == "not tested"


# The statistics.


def test_holm_against_its_definition():
    # 0.01·4; max(0.04, 0.02·3); max(0.06, 0.03·2); 0.9
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([]) == []
    assert holm([0.03, np.nan, 0.01, 0.9, 0.02])[2:] == pytest.approx([0.04, 0.9, 0.06])  # NaN is no test
    assert np.isnan(holm([0.03, np.nan])[1])


def test_aucs_against_scikit_learn_on_the_images_of_a_draw():
    probabilities = generator().dirichlet(np.ones(3), (2, 60)).round(1)  # rounded, so that some tie
    labels = generator(1).integers(0, 3, 60)
    counts = draw_counts(60, generator(2))
    found = bootstrap_aucs(probabilities, labels, counts)
    for seed in range(2):
        assert found.by_seed[seed] == pytest.approx(_macro_auc(probabilities[seed], labels))
        for draw in range(5):
            chosen = np.repeat(np.arange(60), counts[draw].astype(int))
            assert found.by_draw[draw, seed] == pytest.approx(_macro_auc(probabilities[seed, chosen], labels[chosen]))


def _macro_auc(probabilities, labels):
    return np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in np.unique(labels)])


def test_means_are_those_of_the_images_of_a_draw():
    values, counts = generator().random((2, 30)), draw_counts(30, generator(1))
    found = bootstrap_means(values, counts)
    assert found.by_seed == pytest.approx(values.mean(1))
    assert found.by_draw[0] == pytest.approx(values[:, np.repeat(np.arange(30), counts[0].astype(int))].mean(1))


def test_interval_is_student_s_where_seeds_make_the_spread():
    by_seed = np.array([0.1, 0.2, 0.6])
    found = estimate(Sample(by_seed, np.tile(by_seed, (2000, 1))), generator())
    expected = stats.t.interval(0.95, 2, by_seed.mean(), stats.sem(by_seed))
    assert (found.low, found.high) == pytest.approx(expected, abs=0.03)
    assert found.p == pytest.approx(stats.ttest_1samp(by_seed, 0).pvalue, abs=0.02)


def test_interval_is_normal_where_images_make_the_spread():
    values = generator().normal(0.1, 1, 400)
    same = np.tile(values, (3, 1))  # the seeds agree on every image
    found = estimate(bootstrap_means(same, draw_counts(400, generator(1))), generator(2))
    expected = stats.norm.interval(0.95, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("seed_noise", "image_noise"), [(1.0, 0.1), (0.1, 1.0), (0.3, 5.0)])
def test_no_difference_is_rarely_called_one(seed_noise, image_noise):
    """Of 300 made-up comparisons without a true difference, with three seeds, about 5 % may have p < 0.05."""
    random, counts = generator(), draw_counts(100, generator(1))
    called = 0
    for _ in range(300):
        noise = (
            random.normal(0, seed_noise, (3, 1))
            + random.normal(0, image_noise, (1, 100))
            + random.normal(0, image_noise, (3, 100))
        )
        called += estimate(bootstrap_means(noise, counts), generator(2)).p < 0.05
    assert called / 300 < 0.09


def test_nothing_that_varies_has_no_interval():
    constant = Sample(np.zeros(3), np.zeros((2000, 3)))
    assert estimate(constant, generator()) == (0, 0, 0, 1)
    assert estimate(Sample(constant.by_seed + 1, constant.by_draw + 1), generator()).p == 0


@pytest.mark.parametrize(("n", "has_interval"), [(2, False), (4, False), (8, True), (60, True)])
def test_an_auc_of_few_images_has_no_interval(n, has_interval):
    """A draw of one class has no AUC. If there are many such draws, there are too few images."""
    labels = np.arange(n) % 2
    probabilities = generator().dirichlet(np.ones(2), (3, n))
    sample = bootstrap_aucs(probabilities, labels, draw_counts(n, generator(1)))
    assert np.isnan(sample.by_draw).any() == (n < 60)
    found = estimate(sample, generator(2))
    assert found.value == pytest.approx(np.mean([_macro_auc(some, labels) for some in probabilities]))
    assert np.isfinite(found[1:]).all() == has_interval
    assert np.isnan(found[1:]).all() != has_interval


def test_settings_of_one_target_share_their_images():
    """Two sources' differences on the same images do not average out as those on other images would."""
    values = np.tile(generator().normal(0, 1, 200), (3, 1))
    one = bootstrap_means(values, draw_counts(200, generator(1)))
    other = bootstrap_means(values, draw_counts(200, generator(2)))
    same = estimate(average_samples([one, one]), generator())
    different = estimate(average_samples([one, other]), generator())
    assert (same.high - same.low) / (different.high - different.low) == pytest.approx(2**0.5, rel=0.1)


# From results to rows.


def images(accuracy, domains=("a", "b"), n=100, seeds=3):
    """Return per-image results of runs of source a: each method is right on its share of the images."""
    found = {}
    for method, share in accuracy.items():
        for seed in range(seeds):
            right = (np.arange(n) + 2 * seed) % n < round(share * n)  # the seeds differ a little
            labels = np.where(np.arange(n) % 2, "cat", "dog")
            sure = np.where(right == (labels == "cat"), 0.8, 0.3)
            frames = [
                pd.DataFrame(
                    {
                        "path": [f"{domain}/{number}" for number in range(n)],
                        "class": labels,
                        "p:cat": sure,
                        "p:dog": 1 - sure,
                        "accuracy": right.astype(float),
                        "target_domain": domain,
                    }
                )
                for domain in domains
            ]
            found[Run("scenes", "single_source", "a", method, seed)] = pd.concat(frames)
    return found


def claim(**changes):
    values = {
        "id": "claim", "text": "better", "made_in": "here", "kind": "superiority", "metric": "accuracy", "better": ["align"],
        "worse": ["erm", "sgt"], "distribution": "in", "over": "domain",
    }  # fmt: skip
    return Superiority.model_validate(values | changes)


COLUMNS = ["study", "dataset", "protocol", "method", "source_domain", "target_domain", "distribution", "seed", "metric", "value"]
METRICS = pd.DataFrame(columns=COLUMNS)


def verdict_rows(asked, results, left_out=None, published=PUBLISHED):
    return answers([asked], Evaluations(results.items()), METRICS, published, left_out or {})


@pytest.mark.parametrize(
    ("accuracy", "word"),
    [
        ({"align": 0.9, "erm": 0.5, "sgt": 0.6}, "reproduced"),
        ({"align": 0.5, "erm": 0.9, "sgt": 0.3}, "not reproduced"),
        ({"align": 0.9, "erm": 0.5, "sgt": 0.9}, "inconclusive"),
        ({"align": 0.9, "erm": 0.5}, "inconclusive"),  # SGT is missing
        ({"align": 0.5, "erm": 0.9}, "not reproduced"),
        ({"erm": 0.9, "sgt": 0.9}, "not tested"),
        ({"align": 0.9}, "not tested"),
    ],
)
def test_a_claim_by_its_numbers(accuracy, word):
    (row,) = verdict_rows(claim(), images(accuracy))
    assert row.verdict == word
    assert row.align_plus == "not tested"


def test_two_seeds_decide_nothing():
    (row,) = verdict_rows(claim(), images({"align": 0.9, "erm": 0.1, "sgt": 0.1}, seeds=2))
    assert (row.verdict, row.seeds) == ("inconclusive", 2)
    assert "Fewer than 3 seeds" in row.remarks


def test_one_image_has_no_interval(tmp_path):
    (row,) = verdict_rows(claim(), images({"align": 1.0, "erm": 0.0, "sgt": 0.0}, n=1))
    assert (row.ours, row.difference, row.images, row.verdict) == (1, 1, 1, "inconclusive")
    assert (row.low, row.high, row.difference_low, row.difference_high, row.p) == (None,) * 5
    assert "Fewer than 20 test images. Too few test images for an interval" in row.remarks
    files = {kind: tmp_path / f"verdict.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(verdict([row]), **files)
    assert "| 100.0 | +100.0 to ERM | 3 | inconclusive |" in files["md"].read_text()
    for path in files.values():
        assert not re.search(r"\bnan\b|None|\[, ?\]", path.read_text())


def test_a_method_without_a_value_leaves_the_others_theirs():
    """All maps of one seed of ERM are flat. So ERM has no sufficiency, and SGT is compared on all images."""
    results = {
        run: frame.rename(columns={"accuracy": "sufficiency"})
        for run, frame in images({"align": 0.1, "erm": 0.5, "sgt": 0.9}).items()
    }
    for run, frame in results.items():
        if (run.method, run.seed) == ("erm", 1):
            results[run] = frame.assign(sufficiency=np.nan)
    (row,) = verdict_rows(claim(metric="sufficiency"), results)
    assert (row.other, row.images, row.verdict) == ("sgt", 100, "inconclusive")
    assert row.remarks == "Not measured in every setting: ERM (Sufficiency needs saliency maps that are not flat)"
    one_class = {run: frame[frame["class"] == "cat"] for run, frame in images({"align": 0.1, "erm": 0.5}).items()}
    (row,) = verdict_rows(claim(metric="auc", worse=["erm"]), one_class)
    assert (row.ours, row.verdict) == (None, "not tested")
    assert row.remarks == "Not measured in every setting: ALIGN, ERM (ROC AUC needs test images of two classes or more)"


def test_a_row_shows_the_closest_competitor_and_who_is_missing():
    (row,) = verdict_rows(
        claim(worse=["erm", "sgt", "align-masker=sam"]),
        images({"align": 0.9, "erm": 0.5, "sgt": 0.6}),
        {"scenes": {"align-masker=sam": "no checkpoint"}},
    )
    assert row.other == "sgt"
    assert row.ours == pytest.approx(0.9)
    assert row.difference == pytest.approx(0.3)
    assert row.difference_low < 0.3 < row.difference_high
    assert row.low < 0.9 < row.high <= 1
    assert row.remarks == "Not measured in every setting: m-SAM. Left out: m-SAM, no checkpoint"


def test_a_method_that_lacks_one_of_the_settings_is_missing():
    results = images({"align": 0.9, "erm": 0.5, "sgt": 0.5}, domains=("a", "b", "c"))
    for run, frame in results.items():
        if run.method == "sgt":
            results[run] = frame[frame["target_domain"] != "c"]
    counted, averaged = (
        verdict_rows(claim(distribution="out", over=over, at_least=(2, 2)), results)[0] for over in ("settings", "dataset")
    )
    assert (counted.units, counted.holds, counted.verdict) == (2, 1, "inconclusive")
    assert (averaged.other, averaged.verdict) == ("erm", "inconclusive")
    assert {counted.remarks, averaged.remarks} == {"Not measured in every setting: SGT"}


def test_auc_and_metrics_that_are_better_when_lower():
    results = images({"align": 0.9, "erm": 0.5, "sgt": 0.5})
    assert verdict_rows(claim(metric="auc"), results)[0].verdict == "reproduced"
    as_sufficiency = {run: frame.rename(columns={"accuracy": "sufficiency"}) for run, frame in results.items()}
    assert verdict_rows(claim(metric="sufficiency"), as_sufficiency)[0].verdict == "not reproduced"
    assert verdict_rows(claim(metric="comprehensiveness"), as_sufficiency)[0].verdict == "not tested"


def test_classes_may_be_numbers(tmp_path):
    results = images({"align": 0.9, "erm": 0.5, "sgt": 0.5})
    read = []
    for run, frame in results.items():
        named = frame.assign(**{"class": frame["class"].map({"cat": "1", "dog": "02"})})
        named.rename(columns={"p:cat": "p:1", "p:dog": "p:02"}).to_csv(tmp_path / "images.csv", index=False)
        read.append((run, read_results(tmp_path / "images.csv")))
    assert Evaluations(read).measure(Setting("scenes", "a", "a"), ["align"], "auc")["align"].sample.by_seed == pytest.approx(
        Evaluations(results.items()).measure(Setting("scenes", "a", "a"), ["align"], "auc")["align"].sample.by_seed
    )


def test_align_plus_stands_beside_and_not_in_place():
    accuracy = {"align": 0.5, "align-plus": 0.9, "erm": 0.7, "sgt": 0.7}
    (row,) = verdict_rows(claim(), images(accuracy))
    assert (row.verdict, row.align_plus, row.ours) == ("not reproduced", "reproduced", 0.5)
    variants = {"align": 0.9, "align-warm_up=0.0": 0.5, "align-plus": 0.5, "align-plus-warm_up=0.0": 0.9}
    (row,) = verdict_rows(claim(worse=["align-warm_up=0.0"]), images(variants))
    assert (row.verdict, row.align_plus) == ("reproduced", "not reproduced")


def test_settings_are_counted_and_by_analogy_their_share():
    results = images({"align": 0.9, "erm": 0.5, "sgt": 0.5}, domains=("a", "b", "c", "d"))
    asked = claim(distribution="out", over="settings", at_least=(2, 3), places={"Paper": ["a"]})
    named, analogous = verdict_rows(asked, results)
    assert (named.scope, named.verdict, named.remarks) == ("named", "not tested", "Paper is not in the configuration")
    assert (analogous.scope, analogous.units, analogous.needed, analogous.verdict) == ("by analogy", 3, 2, "reproduced")
    (row,) = verdict_rows(asked.model_copy(update={"places": {"scenes": ("a",)}}), results)
    assert (row.scope, row.holds, row.verdict) == ("named", 3, "reproduced")
    six_settings = asked.model_copy(update={"places": {"scenes": ("a",)}, "at_least": (5, 6)})
    assert [(row.scope, row.verdict) for row in verdict_rows(six_settings, results)] == [
        ("named", "not tested"),  # three settings are not the claim's six
        ("by analogy", "reproduced"),
    ]


def test_a_claim_about_a_data_set_needs_all_its_domains():
    results = images({"align": 0.9, "erm": 0.5, "sgt": 0.5}, domains=("a", "b"))
    asked = claim(distribution="out", over="dataset", places={"scenes": ["a", "b"]})
    (row,) = verdict_rows(asked, results)
    assert (row.verdict, row.remarks) == ("not tested", "Not both trained and tested on: a, b")
    from_b = {run._replace(domain="b"): frame for run, frame in results.items()}
    (row,) = verdict_rows(asked, results | from_b)
    assert (row.verdict, row.places) == ("reproduced", "a → b; b → a")


def test_a_published_amount_must_be_reached_where_it_is_named():
    published = pd.DataFrame(
        [("scenes", "in-distribution", name, "a", "a", "accuracy", value) for name, value in (("ALIGN", 90.0), ("ERM", 20.0))],
        columns=["dataset", "setting", "method", "source_domain", "target_domain", "metric", "value"],
    )
    asked = claim(worse=["erm"], places={"Scenes": ["A"]}, published="in-distribution", amount=True)
    (row,) = verdict_rows(asked, images({"align": 0.9, "erm": 0.5}), published=published)
    assert (row.paper, row.paper_other, row.paper_other_method) == (90, 20, "ERM")
    assert (row.verdict, round(row.difference, 3)) == ("not reproduced", 0.4)
    assert verdict_rows(asked, images({"align": 0.95, "erm": 0.2}), published=published)[0].verdict == "reproduced"


def test_the_strongest_degradation_counts():
    names = [f"masked_erm-degradation=eroded-degree={degree}" for degree in ("1e-05", "0.2", "0.1")]
    accuracy = {"masked_erm": 0.7} | dict(zip(names, (0.9, 0.2, 0.9)))
    (row,) = verdict_rows(claim(better=["masked_erm"], worse=["masked_erm-degradation=eroded-*"]), images(accuracy))
    assert (row.other, row.verdict, row.align_plus) == (names[1], "reproduced", "")


def test_images_without_a_value_are_left_out_of_every_method():
    results = images({"align": 0.5, "erm": 0.5})
    for run, frame in results.items():
        frame["accuracy"] = np.where(frame.index < 50, 1.0 if run.method == "align" else np.nan, frame["accuracy"])
    (row,) = verdict_rows(claim(worse=["erm"]), results)
    assert (row.images, row.difference) == (50, 0)


def test_other_test_images_are_refused():
    results = images({"align": 0.9, "erm": 0.5})
    results[Run("scenes", "single_source", "a", "erm", 1)]["path"] += "x"
    with pytest.raises(InputError, match=r"other test images of erm, seed 1.*expected the same"):
        verdict_rows(claim(), results)


def test_bounds_are_looked_at_in_every_case():
    rows = [
        ("comparison", "scenes", "single_source", "erm", "a", "b", "out", seed, metric, value)
        for seed in range(3)
        for metric, value in (("mse_gap", 0.1), ("mse_gap_bound", 0.05 if seed == 2 else 0.2))
    ]
    metrics = pd.DataFrame(rows, columns=COLUMNS)
    metrics = pd.concat([metrics, metrics.iloc[:2].assign(protocol="leave_one_domain_out")])  # of one seed, and not the paper's
    lemma = next(claim for claim in read_claims(CLAIMS) if claim.id == "lemma_2")
    (row,) = answers([lemma], Evaluations([]), metrics, PUBLISHED, {})
    assert (row.units, row.holds, row.opposite, row.verdict) == (3, 2, 1, "not reproduced")
    (row,) = answers([lemma], Evaluations([]), metrics[metrics["metric"] == "mse_gap"], PUBLISHED, {})
    assert (row.verdict, row.remarks) == ("not tested", "Not measured: mse_gap, mse_gap_bound")


def test_the_paper_s_claims_stand_beside_its_numbers():
    rows = answers(read_claims(CLAIMS), Evaluations([]), METRICS, PUBLISHED, {})
    assert {row.verdict for row in rows} == {"not tested"}
    printed = {(row.claim, row.places): (row.paper, row.paper_other_method, row.paper_other) for row in rows}
    assert printed["best_in_distribution", "VOC2007"] == (86.91, "SGT", 86.64)
    assert printed["best_in_distribution", "L46"] == (77.27, "DRE", 73.95)
    assert printed["far_better_than_sgt", "VOC2007"] == (96.63, "SGT", 91.92)
    assert printed["learned_masks_beat_sam_by_roc_auc", "VOC2007"] == (82.18, "m-SAM", 80.32)
    assert printed["learned_masks_beat_sam_by_insertion_auc", "VOC2007"] == (0.8218, "m-SAM", 0.8032)
    text = markdown(verdict(rows).blocks)
    assert all(f"| {numbers} |" in text for numbers in ("86.91; SGT 86.64", "82.18; m-SAM 80.32", "0.8218; m-SAM 0.8032"))


def test_every_claim_on_auc_is_judged_by_both_readings():
    claims = {asked.id: asked for asked in read_claims(CLAIMS) if "auc" in asked.id}
    assert len(claims) == 8
    for name, asked in claims.items():
        if "roc_auc" in name:
            twin = claims[name.replace("roc_auc", "insertion_auc")]
            changed = {"id": asked.id, "metric": "auc", "text": twin.text.replace("insertion AUC", "ROC AUC")}
            assert twin.model_copy(update=changed) == asked
            assert (asked.metric, twin.metric) == ("auc", "insertion_auc")
            assert "does not say which" in asked.remark


def test_the_two_readings_can_have_different_words():
    """ROC AUC follows from the probabilities, insertion AUC from its own column."""
    results = images({"align": 0.9, "erm": 0.5})
    for run, frame in results.items():
        results[run] = frame.assign(insertion_auc=np.where(frame["accuracy"] == 1, 0.2, 0.8))
    words = [verdict_rows(claim(metric=metric, worse=["erm"]), results)[0].verdict for metric in ("auc", "insertion_auc")]
    assert words == ["reproduced", "not reproduced"]


def test_a_wrong_claim_is_refused_with_the_file_s_name(tmp_path):
    path = tmp_path / "claims.yaml"
    text = CLAIMS.read_text()
    path.write_text(text.replace("metric: accuracy", "metric: accurracy", 1))
    with pytest.raises(InputError, match=r"claims\.yaml.*did you mean 'accuracy'"):
        read_claims(path)
    path.write_text(text.replace("id: lemma_1", "id: lemma_2"))
    with pytest.raises(InputError, match=r"found id 'lemma_2' 2 times"):
        read_claims(path)


def test_the_printed_verdict():
    rows = verdict_rows(claim(places={"Paper": ["x"]}), images({"align": 0.9, "erm": 0.5, "sgt": 0.6}))
    table = verdict(rows)
    assert list(table.data["verdict"]) == ["not tested", "reproduced"]
    text = markdown(table.blocks)
    assert "| scenes | by analogy: its own domains in place of the paper's | 1 | 0 | 0 | 0 |" in text
    assert "| 90.0 [" in text
    assert "+30.0 to SGT [" in text
    assert "**reproduced**" in text


# Ranks.


def test_ranks_friedman_and_nemenyi():
    values = pd.DataFrame(generator().random((12, 4)), columns=list("abcd"))
    found = rank_methods(values, higher_is_better=True)
    assert list(found.average) == pytest.approx(stats.rankdata(-values, axis=1).mean(0))
    assert found.p == pytest.approx(stats.friedmanchisquare(*values.to_numpy().T).pvalue)
    # Demšar (2006), table 5: q of 4 methods at 0.05 is 2.569.
    assert found.critical_difference == pytest.approx(2.569 * (4 * 5 / (6 * 12)) ** 0.5, abs=1e-3)
    assert critical_difference(10, 1) == pytest.approx(3.164 * (10 * 11 / 6) ** 0.5, abs=3e-3)
    assert rank_methods(1 - values, higher_is_better=False).average.equals(found.average)


def test_few_settings_are_ranked_and_not_tested():
    found = rank_methods(pd.DataFrame({"a": [1.0, 1], "b": [2.0, 2], "c": [2.0, np.nan]}), higher_is_better=True)
    assert (found.settings, list(found.average)) == (1, [3, 1.5, 1.5])
    assert np.isnan([found.p, found.critical_difference]).all()


def test_a_bar_spans_methods_that_do_not_differ():
    assert bar_ends([1.0, 1.5, 2.2, 4.0], 1.25) == [(1.0, 2.2)]
    assert bar_ends([1.0, 2.0, 3.0], 1.0) == [(1.0, 2.0), (2.0, 3.0)]
    assert bar_ends([1.0, 3.0], 1.0) == []


def test_critical_difference_is_drawn_for_each_distribution():
    shared = ("comparison", "scenes", "single_source")
    rows = [
        (*shared, method, source, target, "in" if source == target else "out", seed, "accuracy", value)
        for method, value in (("erm", 0.1), ("sgt", 0.2), ("align", 0.3))
        for source in "abc"
        for target in "abc"
        for seed in (0, 1)
    ]
    data = rank_table(pd.DataFrame(rows, columns=COLUMNS))
    best = data.groupby("distribution", sort=False).first()
    assert list(best["method"]) == ["align"] * 3
    assert list(best["settings"]) == [3, 6, 9]
    with style():
        inside, outside, both = draw_average_ranks(data).axes
    assert "too few settings" in inside.get_title()
    assert "critical difference 1.35" in outside.get_title()  # 2.343 √(3·4 / 36)
    assert [text.get_text() for text in both.texts] == ["ALIGN  1.00", "SGT  2.00", "3.00  ERM"]
