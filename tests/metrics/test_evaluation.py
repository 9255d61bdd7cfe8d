"""The evaluation of a run: which images it is tested on, and what it refuses."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from small_runs import CLASSES, CPU, SIZE, packed_images, run_settings

from align.attribution.grad_cam import grad_cam
from align.errors import InputError
from align.imaging.normalisation import normalise, to_unit
from align.methods.base import Batch
from align.methods.masked_erm import MaskedERM
from align.methods.settings import MaskedERMSettings
from align.metrics import METRICS
from align.metrics import evaluation as run_evaluation
from align.metrics.evaluation import Evaluation, evaluate_run
from align.metrics.explain import explain
from align.metrics.settings import EvaluationSettings
from align.models.classifier import build_classifier
from align.preparation.packed import PackedFolders
from align.registry import load
from align.training.settings import TrainingSettings

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


def masked(**settings):
    """ERM on masked images, not trained."""
    classifier = build_classifier(run_settings().classifier, len(CLASSES), torch.Generator().manual_seed(0)).eval()
    return MaskedERM(classifier, MaskedERMSettings(blur=30, **settings), TrainingSettings(), torch.Generator())


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


def test_an_explained_domain_is_what_the_method_sees_and_predicts():
    """A method may change the images and use masks: metrics are of what the network was given."""
    packed = replace(packed_images(8, 3), ground_truth=np.arange(8 * SIZE * SIZE, dtype=np.uint8).reshape(8, SIZE, SIZE) % 2)
    method = masked(mask="grey")
    settings = EvaluationSettings(batch_size=3)
    found = explain(method, grad_cam, packed, settings, CPU)

    batch = Batch(normalise(to_unit(torch.from_numpy(packed.images))), torch.from_numpy(packed.labels))
    seen = method.view(batch)
    assert not torch.allclose(seen, batch.images, atol=0.1)
    torch.testing.assert_close(found.images, seen, rtol=0, atol=1e-5)
    assert found.labels.tolist() == packed.labels.tolist()
    torch.testing.assert_close(found.learned_mask, method.used_masks(batch), rtol=0, atol=1e-6)
    assert found.ground_truth.tolist() == packed.ground_truth.tolist()
    expected = method.classifier(seen).softmax(1)
    for probabilities in (found.probabilities, found.predict(seen)):
        assert not probabilities.requires_grad
        torch.testing.assert_close(probabilities, expected.detach(), rtol=0, atol=1e-5)
    for maps, labels in ((found.saliency, expected.argmax(1)), (found.class_saliency, batch.labels)):
        torch.testing.assert_close(maps, grad_cam(method.classifier, seen, method.classifier.features(seen), labels).detach())
    assert (found.batch_size, found.settings, found.paths, found.pairs) == (3, settings, packed.paths, None)
    assert found.images.is_contiguous(memory_format=torch.channels_last)  # as fast as training is


def test_a_method_without_masks_has_none_to_judge():
    assert explain(erm(), grad_cam, packed_images(4, 3), EvaluationSettings(batch_size=3), CPU).learned_mask is None


def test_the_first_source_domain_is_the_reference_of_paired_images(data):
    """Its images have no partner, those of any other domain have: the same objects on another background."""
    tested = run_evaluation.tested_images(*data, "ab", ["b", "a"], CLASSES, "all")
    paired = evaluation("accuracy", "output_gap", "local_lipschitz")._replace(paired=True)
    metrics, images = evaluate_run(erm(), tested, CLASSES, paired, CPU, CHECKPOINT)
    assert metrics["target_domain"].drop_duplicates().tolist() == ["b", "a"]
    assert metrics[metrics["target_domain"] == "b"]["metric"].tolist() == ["accuracy"]
    values = metrics[metrics["target_domain"] == "a"].set_index("metric")
    a, b = (images[images["target_domain"] == domain] for domain in "ab")
    columns = [f"p:{label}" for label in CLASSES]
    gap = np.linalg.norm(a[columns].to_numpy().mean(0) - b[columns].to_numpy().mean(0))
    assert values["value"]["output_gap"] == pytest.approx(gap, abs=1e-6)
    assert values["n"]["output_gap"] == 6
    assert "local_lipschitz" in values.index


def test_a_method_sees_the_masks_that_it_is_given(data):
    splits, folders = data
    masks = np.zeros((30, SIZE, SIZE), np.uint8)
    masks[:, : SIZE // 2] = 1
    for domain in "ab":
        (folders.images.parent / "masks").mkdir(exist_ok=True)
        np.save(folders.images.parent / f"masks/{domain}.npy", masks)
    folders = PackedFolders(folders.images, folders.images.parent / "masks")
    tested = run_evaluation.tested_images(splits, folders, "ab", ["a"], CLASSES, "all", "ground_truth")
    metrics, _ = evaluate_run(masked(mask="ground_truth"), tested, CLASSES, evaluation("iou", "mask_area"), CPU, CHECKPOINT)
    values = metrics.set_index(["target_domain", "metric"])["value"]
    for domain in "ab":
        assert values[domain, "learned_mask_iou"] == 1
        assert values[domain, "learned_mask_area"] == values[domain, "ground_truth_area"] == 0.5
