"""The long table of all runs: which study, which source, in or out of distribution; and the table of a run's images."""

import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from align.errors import InputError
from align.metrics.evaluate import image_table, write_csv
from align.preparation.packed import Packed
from align.results.collect import COLUMNS, read_results, run_rows, study_rows

METRICS = pd.DataFrame(
    [("a", "accuracy", 0.5, 10), ("b", "accuracy", 0.25, 8), ("c", "accuracy", 0.125, 8)],
    columns=["target_domain", "metric", "value", "n"],
)


def run(protocol, domain, *studies):
    return {"dataset": "d", "protocol": protocol, "domain": domain, "method": "erm", "seed": 3, "studies": studies}


@pytest.mark.parametrize(
    ("protocol", "domain", "sources", "name", "distributions"),
    [
        ("single_source", "a", ["a"], "a", ["in", "out", "out"]),
        ("leave_one_domain_out", "a", ["b", "c"], "all but a", ["out", "in", "in"]),
        ("leave_one_domain_out", "a", ["b"], "all but a", ["out", "in", "out"]),  # c is never trained on
    ],
)
def test_what_was_trained_on_is_in_distribution(protocol, domain, sources, name, distributions):
    table = run_rows(METRICS, run(protocol, domain, "comparison"), sources)
    assert list(table.columns) == COLUMNS
    assert list(table["distribution"]) == distributions
    assert set(table["source_domain"]) == {name}
    assert list(table["value"]) == [0.5, 0.25, 0.125]


def test_a_run_of_two_studies_has_its_rows_in_both_and_once_in_each():
    table = run_rows(METRICS, run("single_source", "a", "comparison", "sensitivity"), ["a"])
    assert len(table) == 6
    for study in ("comparison", "sensitivity"):
        own = study_rows(table, study)
        assert list(own["target_domain"]) == ["a", "b", "c"]
        assert "study" not in own.columns
    assert study_rows(table, "masker_ablation").empty


def test_names_that_look_like_numbers_or_nothing_stay_names(tmp_path):
    write_csv(
        pd.DataFrame({"target_domain": ["1", "NA", "038"], "metric": "iou", "value": [0.5, np.nan, 1e-7], "n": 2}),
        tmp_path / "a.csv",
    )
    found = read_results(tmp_path / "a.csv")
    assert list(found["target_domain"]) == ["1", "NA", "038"]
    assert list(found["value"].isna()) == [False, True, False]
    table = run_rows(found, run("single_source", "1", "comparison"), ["1"])
    assert list(table["distribution"]) == ["in", "out", "out"]


class Explained:
    """The part of what metrics are given that the table of images is made from."""

    predicted = torch.tensor([1, 0])
    probabilities = torch.tensor([[0.25, 0.75], [0.5, 0.5]])


def test_every_image_has_its_class_probabilities_and_values():
    packed = Packed(np.zeros((2, 4, 4, 3), np.uint8), np.array([1, 1]), ["a/dog/1.png", "a/dog/2.png"], None)
    values = {"iou": torch.tensor([0.5, torch.nan]), "auc": object()}  # an aggregate has no value per image
    table = image_table(packed, Explained(), values, ["cat", "dog"])
    assert list(table.columns) == ["path", "class", "predicted", "p:cat", "p:dog", "iou"]
    assert table.iloc[0].tolist() == ["a/dog/1.png", "dog", "dog", 0.25, 0.75, 0.5]
    assert (table.loc[1, "predicted"], table["iou"].isna().tolist()) == ("cat", [False, True])


def test_the_same_table_is_the_same_compressed_file_by_any_process_at_any_time(tmp_path, monkeypatch):
    table = pd.DataFrame({"path": ["a", "b"], "value": [1 / 3, np.nan]})
    paths = [tmp_path / name / "images.csv.gz" for name in ("first", "second")]
    for path, process in zip(paths, (1, 2)):
        monkeypatch.setattr("os.getpid", partial(int, process))  # in the name of a partial file
        write_csv(table, path)
        time.sleep(1.1)  # a gzip header may have seconds and names
    assert paths[0].read_bytes() == paths[1].read_bytes()
    found = pd.read_csv(paths[0])
    assert found["value"].tolist()[0] == 0.333333
    assert found["value"].isna().tolist() == [False, True]


@pytest.mark.parametrize("kept", [0, 10, 60, -4])
def test_results_of_images_that_are_cut_short_are_one_clear_error(tmp_path, kept):
    path = tmp_path / "images.csv.gz"
    write_csv(pd.DataFrame({"path": [f"{row}.png" for row in range(100)], "accuracy": np.linspace(0, 1, 100)}), path)
    assert len(read_results(path)) == 100
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"images\.csv\.gz: found no readable table .*; restore it, or remove it"):
        read_results(path)
