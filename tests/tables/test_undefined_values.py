"""What is undefined is an empty cell for machines, and a dash with a sentence for people."""

import re

import numpy as np
import pandas as pd
import pytest

from align.figures.accuracy_vs_explanation import accuracy_vs_explanation
from align.figures.average_ranks import average_ranks
from align.metrics import MEASURES
from align.metrics.printing import mean_and_spread, number_text, undefined_note
from align.results.collect import read_results
from align.results.summary import averages, seed_summary
from align.tables.explanation_quality import explanation_quality
from align.tables.in_distribution import in_distribution
from align.tables.out_of_distribution import out_of_distribution
from align.tables.writing import write_table

NAN = float("nan")
NO_PAPER = pd.DataFrame(columns=["dataset", "setting", "method", "source_domain", "target_domain", "metric", "value"])
ONE_SEED = "One seed: no spread is known."


def metrics(*rows):
    """Rows of method, source, target, seed, metric, value and n as ``results/metrics.csv`` has them."""
    frame = pd.DataFrame(rows, columns=["method", "source_domain", "target_domain", "seed", "metric", "value", "n"])
    where = frame["source_domain"].eq(frame["target_domain"]).map({True: "in", False: "out"})
    return frame.assign(study="comparison", dataset="my", protocol="single_source", distribution=where)


def texts(block):
    return [[cell.text for cell in row] for row in block.rows]


def test_numbers_that_are_none():
    assert number_text("accuracy", NAN) == "–"
    assert mean_and_spread("iou", NAN, NAN) == "–"
    assert mean_and_spread("iou", 0.5, NAN) == "0.500"
    assert [number_text(name, -1e-9) for name in ("sufficiency", "accuracy", "mse_gap_bound")] == ["0.000", "0.0", "0.000"]
    assert number_text("local_lipschitz", -0.0) == "0"
    assert number_text("sufficiency", -0.25) == "-0.250"


def test_a_note_names_measures_and_what_they_need():
    assert undefined_note(["sufficiency", "auc", "insertion_auc", "auc"]) == (
        "Undefined: Sufficiency, Insertion AUC (needs saliency maps that are not flat); "
        "ROC AUC (needs test images of two classes or more)."
    )
    assert undefined_note([]) == ""
    assert undefined_note(["accuracy"]) == "Undefined: Accuracy (needs values to average)."
    assert not any(measure.needs.endswith(".") for measure in MEASURES.values())


def test_averages_of_what_is_undefined_for_some_and_for_all():
    rows = [("erm", 0, "a", 0.2), ("erm", 0, "b", NAN), ("erm", 0, "c", 0.4), ("sgt", 0, "a", 0.6), ("sgt", 0, "b", NAN)]
    values = pd.DataFrame([*rows, ("sgt", 0, "c", NAN)], columns=["method", "seed", "domain", "value"])
    values = values.assign(metric="auc")
    found = averages(values, "domain").set_index("method")["value"]
    assert found["erm"] == pytest.approx(0.3)  # b does not count for any method
    assert np.isnan(found["sgt"])  # without c, its mean could not be compared
    nothing = averages(values.assign(value=NAN), "domain")
    assert len(nothing) == 2
    assert nothing["value"].isna().all()


def test_a_seed_without_a_value_does_not_count():
    values = pd.DataFrame(
        [("erm", 0, 1.0), ("erm", 1, NAN), ("erm", 2, 3.0), ("sgt", 0, NAN)], columns=["method", "seed", "value"]
    )
    erm, sgt = seed_summary(values).itertuples(index=False)
    assert tuple(erm) == ("erm", 2.0, pytest.approx(2**0.5), 2)
    assert np.isnan(sgt.mean)
    assert sgt.seeds == 0


def test_a_domain_of_one_class_has_a_dash_and_a_reason(tmp_path):
    rows = [
        (method, domain, domain, 0, metric, value, 0 if np.isnan(value) else 10)
        for method, shift in (("erm", 0.0), ("align", 0.1))
        for domain, accuracy, auc in (("a", 0.8, 0.7 + shift), ("b", 0.6, NAN))
        for metric, value in (("accuracy", accuracy + shift), ("auc", auc))
    ]  # fmt: skip
    table = in_distribution(metrics(*rows), NO_PAPER)
    accuracy, auc = table.blocks
    assert accuracy.note == ONE_SEED
    assert texts(auc) == [["ERM", "70.0", "–", "70.0"], ["ALIGN", "80.0", "–", "80.0"]]
    assert auc.note == (
        f"{ONE_SEED} – Undefined: ROC AUC (needs test images of two classes or more). "
        "What is undefined for all methods is left out of averages."
    )
    files = {kind: tmp_path / f"table.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(table, **files)
    for path in files.values():
        assert not re.search(r"\bnan\b|None|\[, \]|± *(\||&|<)", path.read_text())
    read = read_results(files["csv"]).query("domain == 'b' and metric == 'auc'")
    assert read["mean"].isna().all()
    assert list(read["seeds"]) == [0, 0]


def test_a_table_in_which_nothing_is_defined_has_no_number_and_nothing_bold():
    rows = [(method, "a", "b", 0, "auc", NAN, 0) for method in ("erm", "align")]
    for block in out_of_distribution(metrics(*rows), NO_PAPER).blocks:
        assert texts(block) == [["ERM", "–"] + ["–"] * (len(block.header) - 2), ["ALIGN", "–"] + ["–"] * (len(block.header) - 2)]
        assert not any(cell.best for row in block.rows for cell in row)
        assert block.note.startswith("– Undefined: ROC AUC (needs test images of two classes or more).")


def test_a_single_value_is_not_the_best():
    rows = [("erm", "a", "a", 0, "auc", NAN, 0), ("align", "a", "a", 0, "auc", 0.5, 10)]
    (block,) = in_distribution(metrics(*rows), NO_PAPER).blocks
    assert texts(block)[1] == ["ALIGN", "50.0", "50.0"]
    assert not any(cell.best for row in block.rows for cell in row)


def test_images_without_a_value_are_counted():
    rows = [
        (method, domain, domain, seed, metric, NAN if n == 0 else 0.5, n)
        for seed in (0, 1)
        for domain in ("a", "b")
        for method, metric, n in (
            ("erm", "accuracy", 20), ("erm", "sufficiency", 20), ("erm", "deletion_auc", 19), ("erm", "iou", 0),
            ("align", "accuracy", 20), ("align", "sufficiency", 15), ("align", "deletion_auc", 15), ("align", "iou", 0),
        )
    ]  # fmt: skip
    faithfulness, localisation = explanation_quality(metrics(*rows)).blocks
    assert faithfulness.note == (
        "Mean ± standard deviation over 2 seeds. Only some images have a value; the fewest, over all seeds and "
        "domains: Sufficiency 60 of 80 (ALIGN), Deletion AUC 60 of 80 (ALIGN)."
    )
    assert texts(localisation) == [["ERM", "–"], ["ALIGN", "–"]]
    assert localisation.note.startswith(
        "– Undefined: IoU (needs true masks with an object, and saliency maps that are not flat)."
    )


def test_figures_say_what_is_undefined_and_draw_no_rank_of_nothing():
    rows = [("erm", "a", "a", 0, "accuracy", 0.5, 4), ("erm", "a", "a", 0, "sufficiency", NAN, 0)]
    nothing = accuracy_vs_explanation(metrics(*rows))
    assert nothing.data.empty
    assert "needs saliency maps" in nothing.figure.texts[0].get_text()
    some = accuracy_vs_explanation(metrics(*rows, ("erm", "a", "a", 0, "insertion_auc", 0.5, 4)))
    assert list(some.data["measure"]) == ["insertion_auc"]
    note = some.figure.texts[-1].get_text().replace("\n", " ")
    assert note == "Not drawn for some runs. Undefined: Sufficiency (needs saliency maps that are not flat)."
    apart = metrics(("erm", "a", "a", 0, "accuracy", 0.5, 4), ("align", "b", "b", 0, "accuracy", 0.5, 4))
    drawn = average_ranks(apart)
    assert drawn.data.empty
    assert drawn.figure.texts[0].get_text() == "Fewer than 5 settings have two methods or more to compare."
