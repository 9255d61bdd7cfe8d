"""The verdict: the rule on made-up numbers, and the ranks against other libraries."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from scipy import stats

from align.configuration.run import Run
from align.errors import InputError
from align.figures.average_ranks import bar_ends, draw_average_ranks
from align.figures.style import style
from align.results.collect import read_results
from align.statistics.ranks import critical_difference, rank_methods, rank_table
from align.tables.printing import markdown
from align.tables.verdict import verdict
from align.tables.writing import write_table
from align.verdict.answers import answers
from align.verdict.claims import Superiority, read_claims
from align.verdict.evaluations import Evaluations, Setting
from align.verdict.headline import counted_words
from align.verdict.parts import Part
from align.verdict.rule import Advantage, decide, decide_bound, outcomes

CLAIMS = REPOSITORY / "reference/claims.yaml"
PUBLISHED = pd.read_csv(REPOSITORY / "reference/align_paper.csv")
BETTER = Advantage(value=0.04, low=0.02, high=0.06, p=0.02, corrected_p=0.03, seeds=3, images=200)
WORSE = BETTER._replace(value=-0.04, low=-0.06, high=-0.02)
UNCLEAR = BETTER._replace(low=-0.01, p=0.2, corrected_p=0.3)


def generator(seed=0):
    return np.random.default_rng(seed)


# The rule.


@pytest.mark.parametrize(
    ("advantages", "expected"),
    [
        ([BETTER, BETTER], "holds"),
        ([BETTER._replace(corrected_p=0.12)] * 6, "holds"),  # all of them must succeed: no correction
        ([WORSE._replace(corrected_p=0.12)] * 6, "open"),  # one of them would be enough: corrected
        ([BETTER._replace(p=np.nan, corrected_p=np.nan)], "open"),
        ([WORSE._replace(p=np.nan, corrected_p=np.nan)], "open"),
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
    assert outcomes([advantages]) == (expected,)


def test_each_counted_setting_is_another_chance():
    """Of three settings, Holm's method asks for 0.05 / 3, 0.05 / 2 and 0.05. A setting's p is its largest."""
    p_values = [(0.001, 0.01), (0.024, 0.02), (0.04, 0.001)]
    units = [[BETTER._replace(p=p) for p in of_unit] for of_unit in p_values]
    assert outcomes(units) == ("holds", "holds", "holds")
    assert outcomes([*units, units[2]]) == ("holds", "open", "open", "open")  # 0.024 · 3 > 0.05
    assert outcomes([units[0], [BETTER, None], units[1]]) == ("holds", "open", "holds")
    assert outcomes([units[0], [WORSE], units[1]]) == ("holds", "opposite", "holds")


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


def verdict_rows(asked, results, left_out=None, published=PUBLISHED, **parts):
    return answers([asked], Evaluations(results.items()), Evaluations([]), METRICS, published, left_out or {}, **parts)


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


@pytest.mark.parametrize(
    ("accuracy", "margin", "word", "said"),
    [
        ({"align": 0.6, "erm": 0.7, "sgt": 0.6}, 0.3, "reproduced", "so it is not worse by 30.0 points or more"),
        ({"align": 0.5, "erm": 0.9, "sgt": 0.5}, 0.1, "not reproduced", "so it is worse by more than 10.0 points"),
        ({"align": 0.6, "erm": 0.7, "sgt": 0.6}, 0.1, "inconclusive", "whether it is worse by 10.0 points is not decided"),
    ],
)
def test_a_claim_to_be_not_worse_by_more_than_a_margin(accuracy, margin, word, said):
    (row,) = verdict_rows(claim(margin=margin), images(accuracy))
    assert row.verdict == word
    assert row.difference == pytest.approx(accuracy["align"] - accuracy["erm"], abs=0.02)  # as it is, without the margin
    assert said in row.sentence


def test_a_margin_counts_in_the_better_direction_of_the_metric():
    lower = claim(metric="sufficiency", margin=0.3)
    frames = {
        run: frame.assign(sufficiency=frame["accuracy"]) for run, frame in images({"align": 0.7, "erm": 0.6, "sgt": 0.6}).items()
    }
    assert verdict_rows(lower, frames)[0].verdict == "reproduced"
    assert verdict_rows(claim(metric="sufficiency"), frames)[0].verdict != "reproduced"


def test_a_claim_of_ours_has_a_row_only_where_its_method_ran():
    own = claim(better=["align-swap"], ours=True)
    assert verdict_rows(own, images({"align": 0.9, "erm": 0.5, "sgt": 0.5})) == []
    (row,) = verdict_rows(own, images({"align-swap": 0.9, "erm": 0.5, "sgt": 0.5}))
    assert (row.scope, row.verdict, row.align_plus) == ("ours", "reproduced", "")


def test_the_count_of_the_papers_claims_has_none_of_ours():
    paper, own = (
        verdict_rows(asked, images({"align": 0.9, "align-swap": 0.9, "erm": 0.5, "sgt": 0.5}))
        for asked in (claim(), claim(better=["align-swap"], ours=True))
    )
    assert counted_words([*paper, *own]) == counted_words(paper)


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


def test_a_class_with_one_image_has_an_auc_without_an_interval():
    results = {
        run: frame[(frame["class"] == "dog") | (frame.index == 1)] for run, frame in images({"align": 0.9, "erm": 0.5}).items()
    }
    (row,) = verdict_rows(claim(metric="auc", worse=["erm"]), results)
    assert (row.images, row.low, row.p, row.verdict) == (51, None, None, "inconclusive")
    assert row.ours is not None
    assert "Too few test images for an interval" in row.remarks


def test_probabilities_without_a_value_are_refused():
    results = images({"align": 0.9, "erm": 0.5})
    results[Run("scenes", "single_source", "a", "erm", 1)].loc[3, "p:cat"] = np.nan
    with pytest.raises(InputError, match=r"scenes, a → a: found test images of erm without a probability.*evaluate again"):
        verdict_rows(claim(metric="auc"), results)


def test_p_is_of_the_difference_alone_and_corrected_where_it_speaks_against_the_claim():
    """Six methods of equal results: Holm's method makes six times each p of it."""
    random, baselines = generator(), ("erm", "sgt", "dre", "mixup", "rsc", "cgc")
    rows = []
    for advantage in (0.1, -0.1):
        results = {}
        for seed in range(3):
            frame = pd.DataFrame({"path": np.arange(200).astype(str), "target_domain": "a", "accuracy": random.random(200)})
            for name in baselines:
                results[Run("scenes", "single_source", "a", name, seed)] = frame
            shifted = frame.assign(accuracy=frame["accuracy"] + advantage * (0.7 + 0.3 * seed))
            results[Run("scenes", "single_source", "a", "align", seed)] = shifted
        rows += verdict_rows(claim(worse=baselines), results)
    better, worse = rows
    assert better.corrected_p == pytest.approx(6 * better.p)
    assert (better.verdict, worse.verdict) == ("reproduced", "inconclusive")
    assert better.p < 0.05 < better.corrected_p
    assert better.difference_low > 0 > worse.difference_high
    texts = [markdown(verdict([row]).blocks) for row in rows]
    assert [f"(corrected = {row.corrected_p:.3f})" in text for row, text in zip(rows, texts)] == [False, True]


def test_a_method_that_keeps_the_claim_open_is_named():
    """SGT is further behind than ERM, but its seeds vary much."""
    results = images({"align": 0.9, "erm": 0.8, "sgt": 0.5})
    for run, frame in results.items():
        if run.method == "sgt":
            results[run] = frame.assign(accuracy=[0.1, 0.2, 1.0][run.seed])
    (row,) = verdict_rows(claim(), results)
    assert (row.other, row.verdict) == ("erm", "inconclusive")
    assert row.p < 0.05
    assert row.remarks == "Not better with p < 0.05 than SGT"


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
    assert Evaluations(read).measure(Setting("scenes", "a", "a"), ["align"], "auc")["align"].sample.by_image == pytest.approx(
        Evaluations(results.items()).measure(Setting("scenes", "a", "a"), ["align"], "auc")["align"].sample.by_image
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


PART = {"scenes": Part("paper", images=30, published=120)}


def test_a_part_of_a_named_data_set_is_tested_under_a_heading_of_its_own():
    """The claim names two domains. The part was trained on one of them; what is missing is a remark and no obstacle."""
    results = images({"align": 0.9, "erm": 0.5, "sgt": 0.5}, domains=("a", "b", "c"))
    asked = claim(distribution="out", over="dataset", places={"Paper": ["a", "b"]})
    (row,) = verdict_rows(asked, results, parts=PART)
    assert (row.dataset, row.scope, row.verdict) == ("scenes", "a part of Paper", "reproduced")
    assert row.remarks.startswith("30 of its 120 images; not both trained and tested on: a, b")
    (whole,) = verdict_rows(asked.model_copy(update={"places": {"scenes": ("a", "b")}}), results)
    assert whole.verdict == "not tested"
    assert "### scenes: a part of Paper" in markdown(verdict([row]).blocks)


def test_of_a_part_the_paper_s_domains_and_numbers_count():
    published = pd.DataFrame(
        [("Paper", "in-distribution", name, "a", "a", "accuracy", value) for name, value in (("ALIGN", 90.0), ("ERM", 20.0))],
        columns=["dataset", "setting", "method", "source_domain", "target_domain", "metric", "value"],
    )
    results = images({"align": 0.9, "erm": 0.5}, domains=("a", "b"))
    results |= {run._replace(domain="b"): frame for run, frame in results.items()}
    asked = claim(worse=["erm"], places={"Paper": ["a"]}, published="in-distribution")
    (row,) = verdict_rows(asked, results, published=published, parts=PART)
    assert (row.scope, row.places, row.paper, row.paper_other) == ("a part of Paper", "a", 90, 20)
    counted = claim(worse=["erm"], distribution="out", over="settings", at_least=(5, 6), places={"Paper": ["a"]})
    named, part = verdict_rows(counted, results, parts=PART)
    assert (named.scope, named.verdict) == ("a part of Paper", "not tested")  # one setting is not the claim's six
    assert (part.scope, part.places, part.needed) == ("a part of Paper", "a → b", 1)


def test_a_whole_data_set_goes_before_a_part_of_it():
    results = images({"align": 0.9, "erm": 0.5})
    results |= {run._replace(dataset="paper"): frame for run, frame in results.items()}
    rows = verdict_rows(claim(worse=["erm"], places={"Paper": ["a"]}), results, parts=PART)
    assert {row.dataset: row.scope for row in rows} == {"paper": "named", "scenes": "by analogy"}


def test_a_method_that_stands_in_for_one_of_the_paper_has_a_row_where_it_ran():
    stands_in = {"align-masker=salient_object": "align-masker=sam"}
    asked = claim(
        worse=["align-masker=salient_object"], stands_in=stands_in, places={"VLCS": ["VOC2007"]}, published="masker ablation"
    )
    assert verdict_rows(asked, images({"align": 0.9, "erm": 0.5}), published=PUBLISHED) == []
    results = images({"align": 0.9, "align-masker=salient_object": 0.5}, domains=("VOC2007",))
    results = {run._replace(dataset="mine", domain="VOC2007"): frame for run, frame in results.items()}
    (row,) = verdict_rows(asked, results, published=PUBLISHED, parts={"mine": Part("vlcs", 1, 2)})
    assert (row.scope, row.verdict) == ("by analogy: m-Salient in place of m-SAM", "reproduced")
    assert (row.paper, row.paper_other_method, row.paper_other) == (86.91, "m-SAM", 85.51)


def test_a_remark_says_where_macro_accuracy_gives_another_word():
    """ALIGN is better on the frequent class, and the other method on the rare one."""
    results = images({"align": 0.9, "erm": 0.5}, domains=("a",))
    for run, frame in results.items():
        ahead = run.method == "align"
        results[run] = frame.assign(macro_accuracy=np.where(np.arange(len(frame)) % 4, 0.3, 0.2 if ahead else 1.9))
    (row,) = verdict_rows(claim(worse=["erm"]), results)
    assert (row.verdict, row.remarks) == ("reproduced", "By macro accuracy: not reproduced")


@pytest.mark.parametrize(("rare", "word"), [(1, "inconclusive"), (2, "reproduced")])
def test_a_class_with_one_image_has_a_macro_accuracy_without_an_interval(rare, word):
    """As with AUC: one image of a class says nothing about the spread of this class, and it weighs as much as all others."""
    results = images({"align": 0.9, "erm": 0.5}, domains=("a",))
    for run, frame in results.items():
        labels = np.where(np.arange(len(frame)) < rare, "rare", "frequent")
        results[run] = frame.assign(**{"class": labels, "macro_accuracy": frame["accuracy"]})
    (row,) = verdict_rows(claim(worse=["erm"], metric="macro_accuracy"), results)
    assert (row.verdict, row.low is None) == (word, word == "inconclusive")


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
    (row,) = answers([lemma], Evaluations([]), Evaluations([]), metrics, PUBLISHED, {})
    assert (row.units, row.holds, row.opposite, row.verdict) == (3, 2, 1, "not reproduced")
    (row,) = answers([lemma], Evaluations([]), Evaluations([]), metrics[metrics["metric"] == "mse_gap"], PUBLISHED, {})
    assert (row.verdict, row.remarks) == ("not tested", "Not measured: mse_gap, mse_gap_bound")


def test_the_paper_s_claims_stand_beside_its_numbers():
    rows = answers(read_claims(CLAIMS), Evaluations([]), Evaluations([]), METRICS, PUBLISHED, {})
    assert {row.verdict for row in rows} == {"not tested"}
    printed = {(row.claim, row.places): (row.paper, row.paper_other_method, row.paper_other) for row in rows}
    assert printed["best_in_distribution", "VOC2007"] == (86.91, "SGT", 86.64)
    assert printed["best_in_distribution", "L46"] == (77.27, "DRE", 73.95)
    assert printed["far_better_than_sgt", "VOC2007"] == (96.63, "SGT", 91.92)
    assert printed["learned_masks_beat_sam_by_roc_auc", "VOC2007"] == (82.18, "m-SAM", 80.32)
    assert printed["learned_masks_beat_sam_by_insertion_auc", "VOC2007"] == (0.8218, "m-SAM", 0.8032)
    text = markdown(verdict(rows).blocks)
    assert all(f"| {numbers} |" in text for numbers in ("86.91; SGT 86.64", "82.18; m-SAM 80.32", "0.8218; m-SAM 0.8032"))


def rated(overall, raters=3, n=24):
    """Return ratings in the form of runs: each rater gives each method its value, and some images one less."""
    less = np.arange(n) % 3 == 0
    frame = pd.DataFrame({"path": [f"a/{number}" for number in range(n)], "class": "cat", "target_domain": "a"})
    return [
        (Run("scenes", "single_source", "a", method, rater), frame.assign(overall=value - less - 0.1 * (rater == 1)))
        for method, value in overall.items()
        for rater in range(1, raters + 1)
    ]


@pytest.mark.parametrize(
    ("overall", "raters", "word"),
    [
        ({"align": 4, "erm": 2, "sgt": 3}, 3, "reproduced"),
        ({"align": 3, "erm": 2, "sgt": 4}, 3, "not reproduced"),
        ({"align": 4, "erm": 2, "sgt": 3}, 2, "inconclusive"),
        ({"align": 4, "erm": 2}, 3, "inconclusive"),  # nobody rated SGT
    ],
)
def test_a_claim_on_ratings_is_judged_by_people_as_others_by_seeds(overall, raters, word):
    asked = claim(metric="overall", distribution="both", over="dataset")
    (row,) = answers(
        [asked], Evaluations(images({"align": 0.9}).items()), Evaluations(rated(overall, raters)), METRICS, PUBLISHED, {}
    )
    assert (row.verdict, row.seeds, row.dataset) == (word, raters, "scenes")
    assert row.ours == pytest.approx(overall["align"] - 1 / 3 - 0.1 / raters)


def test_a_claim_on_ratings_is_not_tested_where_nobody_rated():
    asked = claim(metric="overall", distribution="both", over="dataset")
    (row,) = answers([asked], Evaluations(images({"align": 0.9}).items()), Evaluations([]), METRICS, PUBLISHED, {})
    assert (row.verdict, row.dataset, row.remarks) == ("not tested", "scenes", "No person has rated masks here (align rate)")


def test_every_claim_on_auc_is_judged_by_both_readings():
    claims = {asked.id: asked for asked in read_claims(CLAIMS) if "auc" in asked.id}
    assert len(claims) == 12
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


# The sentence of a row.


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        (
            {"align": 0.9, "erm": 0.5, "sgt": 0.6},
            r"Accuracy is 90\.0 % for ALIGN and 60\.0 % for SGT, the best of the 2 others: "
            r"ALIGN is better by 30\.0 points \(95 % interval [\d.]+ to [\d.]+\)\.",
        ),
        (
            {"align": 0.5, "erm": 0.9, "sgt": 0.3},
            r"Accuracy is 50\.0 % for ALIGN and 90\.0 % for ERM, the best of the 2 others: "
            r"ERM is better by 40\.0 points \(95 % interval [\d.]+ to [\d.]+\)\.",
        ),
        (
            {"align": 0.9, "erm": 0.89},
            r"Accuracy is 90\.0 % for ALIGN and 89\.0 % for ERM: the difference of 1\.0 points may be chance "
            r"\(95 % interval -[\d.]+ to [\d.]+\)\.",
        ),
        (
            {"align": 0.9, "erm": 0.5},
            r"Accuracy is 90\.0 % for ALIGN and 50\.0 % for ERM: ALIGN is better by 40\.0 points "
            r"\(95 % interval .*\), but nothing is decided against SGT\.",
        ),
        ({"align": 0.9}, r"Not tested here: no setting in which both sides were run: ALIGN; ERM or SGT\."),
    ],
)
def test_the_sentence_of_a_comparison(accuracy, expected):
    (row,) = verdict_rows(claim(), images(accuracy))
    assert re.fullmatch(expected, row.sentence)


def test_a_sentence_says_which_direction_is_better_and_that_few_seeds_decide_nothing():
    as_sufficiency = {
        run: frame.rename(columns={"accuracy": "sufficiency"})
        for run, frame in images({"align": 0.1, "erm": 0.5}, seeds=1).items()
    }
    (row,) = verdict_rows(claim(metric="sufficiency", worse=["erm"]), as_sufficiency)
    expected = "Sufficiency (lower is better) is 0.100 for ALIGN and 0.500 for ERM: 1 seed decides nothing, 3 are needed."
    assert row.sentence == expected
    (row,) = verdict_rows(claim(), images({"align": 0.9, "erm": 0.1, "sgt": 0.1}, n=10))
    assert row.sentence.endswith(": 10 test images decide nothing, 20 are needed.")


def test_a_sentence_names_the_method_that_refutes_the_claim():
    """SGT is further ahead than ERM, but its seeds vary too much to decide."""
    results = images({"align": 0.5, "erm": 0.9, "sgt": 0.5})
    for run, frame in results.items():
        if run.method == "sgt":
            results[run] = frame.assign(accuracy=[0.8, 1.0, 1.0][run.seed])
    (row,) = verdict_rows(claim(), results)
    assert (row.other, row.verdict) == ("sgt", "not reproduced")
    assert ": ERM is better by 40.0 points" in row.sentence


def test_a_sentence_says_that_chance_has_several_chances():
    random, baselines, results = generator(), ("erm", "sgt", "dre", "mixup", "rsc", "cgc"), {}
    for seed in range(3):
        frame = pd.DataFrame({"path": np.arange(200).astype(str), "target_domain": "a", "accuracy": random.random(200)})
        results |= {Run("scenes", "single_source", "a", name, seed): frame for name in baselines}
        behind = frame.assign(accuracy=frame["accuracy"] - 0.07 - 0.03 * seed)
        results[Run("scenes", "single_source", "a", "align", seed)] = behind
    (row,) = verdict_rows(claim(worse=baselines), results)
    assert (row.verdict, row.p < 0.05 < row.corrected_p) == ("inconclusive", True)
    expected = rf" is better by 10\.0 points with p = 0\.0\d\d, but one of 6 comparisons may .* p = {row.corrected_p:.3f}\)\.$"
    assert re.search(expected, row.sentence)


def test_a_sentence_counts_the_other_methods_and_not_the_pairs():
    two_sided = claim(better=["align", "align-masker=grey"], worse=["erm"])
    (row,) = verdict_rows(two_sided, images({"align": 0.9, "align-masker=grey": 0.8, "erm": 0.5}))
    assert row.sentence.startswith("Accuracy is 80.0 % for m-Gray and 50.0 % for ERM: m-Gray is better by 30.0 points")


def test_the_sentence_of_a_count():
    counted = claim(distribution="out", over="settings", at_least=(1, 1))
    (row,) = verdict_rows(counted, images({"align": 0.9, "erm": 0.5, "sgt": 0.9}, domains=("a", "b", "c")))
    expected = (
        "The claim holds in 0 of 2 settings and needs 2; in 0 another method is better, and in 2 the difference may be chance."
    )
    assert row.sentence == expected


def test_the_sentences_are_a_table_of_their_own():
    rows = verdict_rows(claim(places={"Paper": ["x"]}), images({"align": 0.9, "erm": 0.5, "sgt": 0.6}))
    (block,) = [block for block in verdict(rows).blocks if block.title == "In plain words"]
    assert [[cell.text for cell in row] for row in block.rows] == [["scenes", "better", "reproduced", rows[1].sentence]]


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
