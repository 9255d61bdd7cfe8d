"""What is written of measured values: a row for each image, and files of equal bytes for equal tables."""

import gzip
import math

import numpy as np
import pandas as pd
import pytest
import torch
from one_pixel_images import explained

from align.attribution.grad_cam import grad_cam
from align.metrics import METRICS
from align.metrics.base import Aggregate
from align.metrics.evaluate import image_table, measurements, write_csv
from align.metrics.evaluation import Evaluation
from align.metrics.prediction.accuracy import accuracy
from align.metrics.printing import undefined_note
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import Packed


def test_an_image_has_a_row_with_its_prediction_and_its_own_values():
    predicted = explained([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]], [0, 1, 1])
    paths = ["x/cat/0.png", "x/dog/0.png", "x/dog/1.png"]
    packed = Packed(np.zeros((3, 1, 1, 3), np.uint8), np.array([0, 1, 1]), paths, None)
    values = {"own": torch.tensor([1.0, math.nan, 3.0]), "together": Aggregate(0.5, 3)}
    expected = pd.DataFrame(
        {
            "path": paths,
            "class": ["cat", "dog", "dog"],
            "predicted": ["cat", "cat", "dog"],
            "p:cat": np.float32([0.75, 0.5, 0.125]),
            "p:dog": np.float32([0.25, 0.5, 0.875]),
            "own": np.float32([1, math.nan, 3]),
        }
    )
    pd.testing.assert_frame_equal(image_table(packed, predicted, values, ("cat", "dog")), expected)


def test_a_value_is_averaged_in_double_precision_over_the_images_that_have_one():
    many = torch.full((1_000_001,), 0.1)
    many[0] = math.nan
    rows = measurements({"many": many, "together": Aggregate(0.25, 7), "none": torch.full((3,), math.nan)})
    assert [(row["metric"], row["n"]) for row in rows] == [("many", 1_000_000), ("together", 7), ("none", 0)]
    assert rows[0]["value"] == pytest.approx(np.float64(np.float32(0.1)), rel=1e-12)
    assert rows[1]["value"] == 0.25
    assert math.isnan(rows[2]["value"])


TABLE = pd.DataFrame({"name": ["a", "b"], "value": [1 / 3, 1.25e-7]})
TEXT = b"name,value\na,0.333333\nb,1.25e-07\n"


def test_a_table_is_written_with_six_digits_and_without_the_time(tmp_path):
    write_csv(TABLE, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == TEXT
    write_csv(TABLE, tmp_path / "table.csv.gz")
    compressed = (tmp_path / "table.csv.gz").read_bytes()
    assert gzip.decompress(compressed) == TEXT
    assert compressed[4:8] == bytes(4)  # RFC 1952: no time stamp


def test_a_note_on_learned_masks_does_not_repeat_what_its_table_says():
    assert undefined_note(["learned_mask_iou"]) == "Undefined: IoU (needs true masks with an object)."


def test_an_evaluation_is_what_plain_values_say():
    values = {
        "evaluation": {"batch_size": 7, "curve_steps": 3},
        "metrics": [METRICS["accuracy"].implementation],
        "attribution": "align.attribution.grad_cam:grad_cam",
        "domains": ["a", "b"],
        "paired": True,
    }
    expected = Evaluation(EvaluationSettings(batch_size=7, curve_steps=3), [accuracy], grad_cam, ["a", "b"], True)
    assert Evaluation.from_values(values) == expected
