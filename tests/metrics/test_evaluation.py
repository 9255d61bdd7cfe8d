"""The evaluation of a run: which images it is tested on, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
import torch
from small_runs import CLASSES, CPU, packed_images, run_settings

from align.attribution.grad_cam import grad_cam
from align.errors import InputError
from align.metrics import METRICS
from align.metrics import evaluation as run_evaluation
from align.metrics.evaluation import Evaluation, evaluate_run
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import PackedFolders
from align.registry import load

CHECKPOINT = "results/runs/scenes/erm/checkpoint.pt"


@pytest.fixture
def data(tmp_path):
    """Return the splits and the packed images of two domains: of each class in each, 8 images train and 2 validate."""
    rows = [
        (f"{domain}/{label}/{number}.png", domain, label, "train" if number < 8 else "validation")
        for domain in "ab"
        for number in range(10)
        for label in CLASSES
    ]
    pd.DataFrame(rows, columns=["path", "domain", "class", "split"]).to_csv(tmp_path / "splits.csv", index=False)
    (tmp_path / "images").mkdir()
    for seed, domain in enumerate("ab"):
        np.save(tmp_path / f"images/{domain}.npy", packed_images(30, seed).images)
    return tmp_path / "splits.csv", PackedFolders(tmp_path / "images")


def erm():
    method = run_settings().build(len(CLASSES), 0, CPU)
    method.classifier.eval()
    return method


def evaluation(*names):
    return Evaluation(
        EvaluationSettings(batch_size=7), [load(METRICS[name].implementation) for name in names], grad_cam, "ab", False
    )


@pytest.mark.parametrize(("part", "numbers"), [("all", range(10)), ("train", range(8))])
def test_a_target_is_tested_as_a_whole_or_on_its_training_split(data, part, numbers):
    tested = dict(run_evaluation.tested_images(*data, "ab", ["a"], CLASSES, part))
    assert tested["a"].paths == [f"a/{label}/{number}.png" for number in (8, 9) for label in CLASSES]
    assert tested["b"].paths == [f"b/{label}/{number}.png" for number in numbers for label in CLASSES]
    assert tested["b"].images.tolist() == packed_images(30, 1).images[: 3 * len(numbers)].tolist()
    metrics, _ = evaluate_run(erm(), iter(tested.items()), CLASSES, evaluation("accuracy"), CPU, CHECKPOINT)
    assert metrics.set_index("target_domain")["n"].to_dict() == {"a": 6, "b": 3 * len(numbers)}


@pytest.mark.parametrize("metric", ["accuracy", "auc"])
def test_a_network_that_predicts_no_numbers_is_refused_with_run_and_image(data, metric):
    method = erm()
    with torch.no_grad():
        next(method.classifier.parameters()).fill_(torch.nan)
    tested = run_evaluation.tested_images(*data, "ab", ["a"], CLASSES, "all")
    message = (
        rf"^{CHECKPOINT}: found a probability that is NaN or infinite for 6 of 6 images, the first a/circle/8\.png, expected"
    )
    with pytest.raises(InputError, match=message):
        evaluate_run(method, tested, CLASSES, evaluation(metric), CPU, CHECKPOINT)


def test_one_image_with_no_number_among_others_is_named(data, monkeypatch):
    method = erm()
    classify = method.classifier.classify

    def broken(features):
        """Break the third image of every whole batch."""
        logits = classify(features)
        return logits.masked_fill((torch.arange(len(logits)) == 2)[:, None] & (len(logits) == 7), torch.nan)

    monkeypatch.setattr(method.classifier, "classify", broken)
    tested = run_evaluation.tested_images(
        *data, "ab", ["a"], CLASSES, "all"
    )  # of a 6 images, of b 30: four batches of 7, and one of 2
    with pytest.raises(InputError, match=rf"for 4 of 30 images, the first b/{CLASSES[2]}/0\.png"):
        evaluate_run(method, tested, CLASSES, evaluation("auc"), CPU, CHECKPOINT)
