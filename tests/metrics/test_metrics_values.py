import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve, gaussian_filter
from sklearn.metrics import average_precision_score, recall_score, roc_auc_score

from align.errors import InputError
from align.metrics import MEASURES, METRICS, RATINGS
from align.metrics.base import Explained, Pairs, descending_ranks
from align.metrics.evaluate import measure, measurements
from align.metrics.faithfulness.insertion_auc import blurred
from align.metrics.faithfulness.perturbation import select_by_rank
from align.metrics.localisation.pixel_average_precision import average_precision
from align.metrics.settings import EvaluationSettings
from align.registry import load


def model_with(weights):
    """Two classes with log-odds Σ weights · (first channel): what a linear softmax classifier predicts."""

    def predict(images):
        positive = torch.sigmoid((images[:, 0] * weights).sum(dim=(1, 2)))
        return torch.stack([1 - positive, positive], dim=1)

    return predict


def mass(weights):
    """Probability of class 1 = Σ weights · (first channel), for weights and pixels that keep it in [0, 1]."""

    def predict(images):
        positive = (images[:, 0] * weights).sum(dim=(1, 2))
        return torch.stack([1 - positive, positive], dim=1)

    return predict


def explained(saliency, predict=None, images=None, batch_size=256, **parts):
    """Images of ones that ``predict`` calls class 1, explained by ``saliency``; ``parts`` override anything."""
    saliency = torch.as_tensor(saliency, dtype=torch.float32)
    n, *size = saliency.shape
    images = torch.ones(n, 3, *size) if images is None else images
    predict = predict or mass(torch.full(images.shape[-2:], 1 / images[0, 0].numel()))
    options = parts.pop("settings", {})
    defaults = {
        "labels": torch.ones(n, dtype=torch.int64),
        "probabilities": predict(images),
        "class_saliency": saliency,
        "ground_truth": None,
        "learned_mask": None,
        "pairs": None,
    }
    return Explained(
        images=images,
        saliency=saliency,
        predict=predict,
        batch_size=batch_size,
        settings=EvaluationSettings(**options),
        **(defaults | parts),
    )


def compute(name, example):
    return load(METRICS[name].implementation)(example)


def measured(name, example):
    """The values that are defined, and the number of their images."""
    rows = measurements(measure(example, [load(METRICS[name].implementation)]))
    assert all(math.isnan(row["value"]) == (row["n"] == 0) for row in rows)
    return {row["metric"]: (row["value"], row["n"]) for row in rows if row["n"]}


def undefined(name, example):
    """The values that no image has."""
    return [row["metric"] for row in measurements(measure(example, [load(METRICS[name].implementation)])) if not row["n"]]


maps = st.lists(st.integers(0, 5), min_size=16, max_size=16).map(lambda cells: torch.tensor(cells).float().reshape(1, 4, 4))


# Faithfulness. Four pixels with log-odds ln 3 · (2, 1, 1, 0) of class 1, so that p = 3^m / (3^m + 1), where m is the mass of the
# kept pixels.

FOUR_PIXELS = model_with(math.log(3) * torch.tensor([[2.0, 1.0], [1.0, 0.0]]))
RIGHT, WRONG = [[[4, 3], [2, 1]]], [[[1, 2], [3, 4]]]
P4, P3, P2, P1, P0 = 81 / 82, 27 / 28, 9 / 10, 3 / 4, 1 / 2


@pytest.mark.parametrize(
    ("saliency", "sufficiency", "comprehensiveness", "deletion"),
    [
        (RIGHT, P4 - (P2 + P3) / 2, P4 - (P2 + P1) / 2, (P4 / 2 + P2 + P1 + P0 + P0 / 2) / 4),
        (WRONG, P4 - (P0 + P1) / 2, P4 - (P4 + P3) / 2, (P4 / 2 + P4 + P3 + P2 + P0 / 2) / 4),
    ],
)
def test_faithfulness_of_a_linear_softmax_model_is_what_paper_says(saliency, sufficiency, comprehensiveness, deletion):
    example = explained(saliency, FOUR_PIXELS, settings={"removed_shares": (0.25, 0.5), "curve_steps": 4})
    null_drop = P4 - P0
    assert measured("sufficiency", example) == {
        "sufficiency": (pytest.approx(sufficiency, abs=1e-6), 1),
        "normalised_sufficiency": (pytest.approx(sufficiency / null_drop, abs=1e-6), 1),
    }
    assert measured("comprehensiveness", example) == {
        "comprehensiveness": (pytest.approx(comprehensiveness, abs=1e-6), 1),
        "normalised_comprehensiveness": (pytest.approx(comprehensiveness / null_drop, abs=1e-6), 1),
    }
    assert measured("deletion_auc", example) == {"deletion_auc": (pytest.approx(deletion, abs=1e-6), 1)}


def convolve_with_window(images, sigma):
    """The blur of RISE and DRE: zeros around the image, and a window that is a point after scipy's Gaussian."""
    radius = round(sigma)
    point = np.zeros((2 * radius + 1, 2 * radius + 1))
    point[radius, radius] = 1
    return convolve(images.double().numpy(), gaussian_filter(point, sigma)[None, None], mode="constant")


def test_the_window_of_11_pixels_is_nearly_a_mean_and_zero_is_beyond_the_border():
    images = torch.randn(2, 3, 30, 20, generator=torch.Generator().manual_seed(0))
    assert blurred(images, 5.0).numpy() == pytest.approx(convolve_with_window(images, 5), abs=1e-6)
    light = blurred(torch.ones(1, 3, 30, 20), 5.0)
    assert light[0, 0, 5:-5, 5:-5].numpy() == pytest.approx(1, abs=1e-6)
    assert 0.25 < light[0, 0, 0, 0] < 0.35  # 36 of 121 pixels of the window are inside
    point = torch.zeros(1, 3, 11, 11)
    point[..., 5, 5] = 1
    window = 121 * blurred(point, 5.0)[0, 0]
    assert 0.93 < window.min() < window.max() < 1.07


def test_insertion_starts_from_the_blurred_image():
    # One bright pixel in a window of 3×3: σ is 28 · 8 / 224 = 1 pixel. The middle of the window gets what a Gaussian of 9 pixels
    # has there and at ±3, and the reflections of ±3 = −3 + 6 … come from both borders.
    pixel = torch.zeros(8, 8)
    pixel[3, 4] = 1
    images = pixel.expand(2, 3, 8, 8)
    right_and_wrong = torch.stack([pixel, 1 - pixel])
    example = explained(right_and_wrong, mass(pixel), images, settings={"blur": 28, "curve_steps": 64})
    weights = [math.exp(-(offset**2) / 2) for offset in range(5)]
    start = ((weights[0] + 2 * weights[3]) / (weights[0] + 2 * sum(weights[1:]))) ** 2
    values = compute("insertion_auc", example)["insertion_auc"]
    assert values.tolist() == pytest.approx([(start / 2 + 63.5) / 64, (start * 63.5 + 1 / 2) / 64])


def test_curves_equal_a_pixel_by_pixel_computation():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(3, 3, 24, 24, generator=generator)
    saliency = torch.rand(3, 24, 24, generator=generator)
    predict = model_with(torch.randn(24, 24, generator=generator))
    example = explained(saliency, predict, images, batch_size=2, settings={"blur": 30.0, "curve_steps": 7})

    sigma = 30 * 24 / 224
    soft = convolve_with_window(images, sigma)
    assert blurred(images, sigma).numpy() == pytest.approx(soft, abs=1e-5)

    for index in range(3):
        insertion, deletion = soft[index].copy(), images[index].double().numpy().copy()
        order = sorted(np.ndindex(24, 24), key=lambda at: -float(saliency[index][at]))
        j = int(predict(images)[index].argmax())
        states = [np.stack([insertion, deletion])]
        counts = [round(step * 576 / 7) for step in range(8)]
        for before, after in itertools.pairwise(counts):
            for y, x in order[before:after]:
                insertion[:, y, x] = images[index, :, y, x]
                deletion[:, y, x] = 0
            states.append(np.stack([insertion, deletion]))
        heights = np.stack([predict(torch.tensor(state))[:, j].numpy() for state in states])
        expected = (np.diff(counts)[:, None] / 576 * (heights[1:] + heights[:-1]) / 2).sum(axis=0)
        found = [float(compute(name, example)[name][index]) for name in ("insertion_auc", "deletion_auc")]
        assert found == pytest.approx(list(expected), abs=1e-5)


def test_normalised_forms_are_undefined_without_a_drop_to_normalise_by():
    bias = lambda images: torch.tensor([0.25, 0.75]).expand(len(images), 2)  # noqa: E731
    example = explained(RIGHT, bias)
    assert measured("sufficiency", example) == {"sufficiency": (0.0, 1)}
    assert measured("comprehensiveness", example) == {"comprehensiveness": (0.0, 1)}
    assert undefined("comprehensiveness", example) == ["normalised_comprehensiveness"]


def test_normalised_forms_are_undefined_where_an_empty_image_is_as_probable():
    """The weights cancel: the whole image and the empty one are as probable, but not the image without its first pixels."""
    cancelling = model_with(torch.tensor([[2.0, -1.0], [-1.0, 0.0]]))
    example = explained(RIGHT, cancelling, settings={"removed_shares": (0.25,)})
    found = measured("sufficiency", example) | measured("comprehensiveness", example)
    assert set(found) == {"sufficiency", "comprehensiveness"}
    assert all(abs(value) > 0.1 for value, _ in found.values())


def test_every_image_has_a_drop_of_its_own():
    both = torch.tensor([RIGHT[0], WRONG[0]])
    drops = compute("comprehensiveness", explained(both, FOUR_PIXELS, settings={"removed_shares": (0.25, 0.5)}))
    assert drops["comprehensiveness"].tolist() == pytest.approx([P4 - (P2 + P1) / 2, P4 - (P4 + P3) / 2])


def test_predictions_number_what_the_documentation_says():
    asked = []
    model = mass(torch.full((8, 8), 1 / 64))

    def predict(images):
        asked.append(len(images))
        return model(images)

    example = explained(
        torch.rand(10, 8, 8), predict, batch_size=4, settings={"curve_steps": 5, "removed_shares": (0.1, 0.2, 0.5)}
    )
    asked.clear()
    measure(example, [load(entry.implementation) for entry in METRICS.values()])
    # Without 0.2 of the pixels an image is what it is after one of five steps of deletion.
    assert sum(asked) == 10 * (2 * 5 - 1 + 2 * 3 - 1) + 1
    assert max(asked) == 4


def test_what_another_metric_has_predicted_changes_no_value():
    generator = torch.Generator().manual_seed(0)
    saliency, weights = torch.rand(5, 6, 6, generator=generator), torch.rand(6, 6, generator=generator) / 36
    options = {"curve_steps": 4, "removed_shares": (0.5, 0.25, 0.1, 0.5)}
    metrics = [load(METRICS[name].implementation) for name in ("deletion_auc", "sufficiency", "comprehensiveness")]
    separate = [metric(explained(saliency, mass(weights), settings=options)) for metric in metrics]
    together = measure(explained(saliency, mass(weights), settings=options), metrics)
    expected = {name: value for values in separate for name, value in values.items()}
    torch.testing.assert_close(together, expected, rtol=0, atol=0, equal_nan=True)


def test_pixels_are_chosen_exactly():
    generator = torch.Generator().manual_seed(0)
    above, below = torch.randn(2, 4, 3, 48, 48, generator=generator)
    ranks = torch.rand(4, 48 * 48, generator=generator).argsort().reshape(4, 1, 48, 48).expand_as(above)
    for count in (0, 1, 1000, 48 * 48):
        assert torch.equal(select_by_rank(above, below, ranks.float(), count), torch.where(ranks < count, above, below))


def test_faithfulness_is_measured_on_evenly_sampled_images_only():
    values = compute("deletion_auc", explained(torch.rand(10, 4, 4), settings={"images_per_target": 4}))["deletion_auc"]
    assert (~values.isnan()).nonzero().flatten().tolist() == [0, 2, 5, 7]
    example = explained(torch.rand(10, 4, 4), settings={"images_per_target": 20})
    assert measured("sufficiency", example)["sufficiency"][1] == 10
    assert measured("accuracy", explained(torch.rand(10, 4, 4), settings={"images_per_target": 4}))["accuracy"] == (1.0, 10)


@pytest.mark.parametrize("pixels", [6, 100, 5000])
def test_equal_pixels_rank_in_reading_order_however_many(pixels):
    """Sorting may swap equal values of a large map unless it is told not to."""
    levels = torch.arange(pixels) % 3
    expected = sorted(range(pixels), key=lambda place: -int(levels[place]))
    ranks = descending_ranks(levels.float().reshape(1, 1, pixels)).flatten().tolist()
    assert [ranks[place] for place in expected] == list(range(pixels))


@pytest.mark.parametrize(
    "compute",
    [
        lambda maps: blurred(maps.expand(2, 3, 8, 8), 2.0),
        lambda maps: descending_ranks(maps[:, 0]),
        lambda maps: average_precision(maps.flatten(1), maps.flatten(1) > 0),
    ],
    ids=["blurred", "ranks", "average precision"],
)
def test_what_is_given_on_a_device_is_computed_there(compute):
    """The device ``meta`` is not the CPU, and every machine has it. It computes shapes only."""
    maps = torch.empty(2, 1, 8, 8, device="meta")
    assert compute(maps).device == maps.device


def test_ties_keep_the_reading_order_and_coarse_maps_are_resized_before_ranking():
    assert explained(torch.zeros(1, 2, 3)).ranks.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    coarse = explained(torch.tensor([[[0.0, 1.0]]]), mass(torch.full((1, 4), 1 / 4)), torch.ones(1, 3, 1, 4))
    assert coarse.ranks.flatten().tolist() == [3, 2, 1, 0]  # 0, ¼, ¾, 1


@settings(max_examples=50)
@given(maps)
def test_faithfulness_depends_on_the_order_of_pixels_only(saliency):
    predict = mass(torch.arange(1, 17).reshape(4, 4) / 136)
    for name in ("sufficiency", "comprehensiveness", "insertion_auc", "deletion_auc"):
        found = compute(name, explained(saliency, predict))
        transformed = compute(name, explained(saliency**3 + 2 * saliency + 1, predict))
        torch.testing.assert_close(found, transformed, rtol=0, atol=0, equal_nan=True)


@settings(max_examples=50)
@given(st.permutations(range(1, 17)), maps.filter(lambda saliency: saliency.max() > saliency.min()))
def test_no_map_is_more_faithful_than_the_weights_themselves(weights, other):
    weights = torch.tensor(weights).float().reshape(1, 4, 4) / 136
    best, some, worst = (explained(saliency, mass(weights[0])) for saliency in (weights, other, 1 - weights))
    for name, direction in [("sufficiency", -1), ("comprehensiveness", 1), ("deletion_auc", -1)]:
        low, middle, high = (direction * float(compute(name, example)[name]) for example in (worst, some, best))
        assert low - 1e-6 <= middle <= high + 1e-6


# Localisation.

OBJECT = torch.tensor([[[1, 1, 0, 0]]], dtype=torch.uint8)
NO_GROUND_TRUTH = torch.full_like(OBJECT, 255)


def located(saliency, ground_truth=OBJECT, **parts):
    return explained(torch.tensor([[saliency]]), ground_truth=ground_truth, **parts)


@pytest.mark.parametrize(
    ("name", "saliency", "value"),
    [
        ("pointing_game", [0.0, 3.0, 2.0, 1.0], 1),
        ("pointing_game", [0.0, 2.0, 3.0, 1.0], 0),
        ("pointing_game", [0.0, 3.0, 3.0, 1.0], 1),  # the first of two maxima
        ("energy_inside", [1.0, 2.0, 3.0, 4.0], 3 / 10),
        ("iou", [2.0, 6.0, 5.0, 4.0], 1 / 3),  # scaled: 0, 1, ¾, ½; above ½: the 2nd and 3rd
        ("pixel_average_precision", [4.0, 1.0, 3.0, 2.0], (1 / 1 + 2 / 4) / 2),
        ("pixel_average_precision", [1.0, 1.0, 1.0, 2.0], 1 / 2),
    ],
)
def test_localisation_by_hand(name, saliency, value):
    assert measured(name, located(saliency)) == {name: (pytest.approx(value), 1)}


def test_localisation_scores_the_map_of_the_true_class_and_the_learned_mask_without_scaling_it():
    learned_mask = torch.tensor([[[0.4, 0.3, 0.0, 0.0]]])
    example = located([0.0, 0.0, 0.0, 1.0], class_saliency=torch.tensor([[[4.0, 3.0, 0.0, 0.0]]]), learned_mask=learned_mask)
    assert measured("iou", example) == {"iou": (1.0, 1), "learned_mask_iou": (0.0, 1)}
    assert measured("energy_inside", example) == {"energy_inside": (1.0, 1), "learned_mask_energy_inside": (1.0, 1)}
    assert measured("mask_area", example) == {"learned_mask_area": (pytest.approx(0.175), 1), "ground_truth_area": (0.5, 1)}


def test_boxes_enclose_everything_above_one_half_and_the_whole_object():
    """The map's box is the upper left 2×3, the object's the upper 3×4: 6 of 12 pixels."""
    saliency, truth = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.uint8)
    saliency[0, 0, 2] = saliency[0, 1, 0] = 1.0
    truth[0, 0, 0] = truth[0, 2, 3] = 1
    example = explained(saliency, ground_truth=truth, learned_mask=0.4 * saliency)
    assert measured("box_iou", example) == {"box_iou": (0.5, 1), "learned_mask_box_iou": (0.0, 1)}  # 0.4 encloses nothing


@pytest.mark.parametrize("name", ["pointing_game", "energy_inside", "iou", "pixel_average_precision", "mask_area"])
def test_a_given_mask_that_is_not_known_does_not_count(name):
    """A method's masks may be given ones, NaN where an image has none."""
    known, unknown = torch.tensor([[0.9, 0.3, 0.1, 0.0]]), torch.full((1, 4), torch.nan)
    rows = {
        "saliency": torch.tensor([3.0, 2.0, 1.0, 0.0]).expand(2, 1, 4),
        "images": torch.zeros(2, 1, 1, 4),
        "ground_truth": OBJECT.expand(2, 1, 4),
    }
    found = measured(name, explained(**rows, learned_mask=torch.stack((known, unknown))))
    mask_value = found["learned_mask_area" if name == "mask_area" else f"learned_mask_{name}"]
    assert np.isfinite(mask_value[0])
    assert mask_value[1] == 1
    assert all(n == 2 for key, (_, n) in found.items() if not key.startswith("learned_mask"))


def test_images_without_ground_truth_or_object_do_not_count():
    saliency = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]).expand(4, 1, 4)
    ground_truth = torch.cat([OBJECT, NO_GROUND_TRUTH, torch.zeros_like(OBJECT), 1 - OBJECT])
    for batch_size in (1, 3, 4):
        example = explained(saliency, ground_truth=ground_truth, batch_size=batch_size)
        assert measured("pointing_game", example) == {"pointing_game": (0.5, 2)}
        assert measured("energy_inside", example) == {"energy_inside": (0.5, 2)}
        assert measured("iou", example) == {"iou": (0.25, 2)}
        assert measured("pixel_average_precision", example)["pixel_average_precision"] == (pytest.approx((3 / 4 + 1 / 2) / 2), 2)
        assert measured("mask_area", example) == {"ground_truth_area": (0.5, 2)}
    for nothing in (None, NO_GROUND_TRUTH):
        assert measured("iou", located([1.0, 0.0, 0.0, 0.0], nothing)) == {}
        assert measured("mask_area", located([1.0, 0.0, 0.0, 0.0], nothing)) == {}
    assert undefined("energy_inside", located([0.0, 0.0, 0.0, 0.0])) == ["energy_inside"]


ONE_CELL = torch.tensor([[[0.7]]])
ROUNDED = 0.7 * (1 + 2.0**-23 * torch.randint(-20, 20, (1, 3, 3), generator=torch.Generator().manual_seed(0)))
SLOPED = torch.arange(9.0).reshape(1, 3, 3)


@pytest.mark.parametrize("maps", [ONE_CELL, torch.cat([ROUNDED, SLOPED]), torch.cat([torch.zeros(1, 3, 3), SLOPED])])
@pytest.mark.parametrize("name", ["pointing_game", "energy_inside", "iou", "pixel_average_precision", "sufficiency",
                                  "comprehensiveness", "insertion_auc", "deletion_auc"])  # fmt: skip
def test_a_flat_map_ranks_no_pixel(maps, name):
    """Enlarging a map of one cell rounds. The largest pixel could then be anywhere."""
    images = torch.rand(len(maps), 3, 6, 6, generator=torch.Generator().manual_seed(1))
    ground_truth = torch.zeros(len(maps), 6, 6, dtype=torch.uint8)
    ground_truth[:, :3, :3] = 1
    example = explained(maps, mass(torch.full((6, 6), 1 / 36)), images, ground_truth=ground_truth)
    for values in compute(name, example).values():
        assert values.isnan().tolist() == [True, False][: len(maps)]
    assert all(n == 1 for _, n in measured(name, example).values())
    assert measured("accuracy", example)["accuracy"][1] == len(maps)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", ["pointing_game", "energy_inside", "iou", "pixel_average_precision"])
def test_a_constant_map_wins_nothing_on_an_object_at_its_first_pixel(name, level):
    """The first of equal maxima is pixel (0, 0)."""
    truth = torch.zeros(2, 6, 6, dtype=torch.uint8)
    truth[:, 0, 0] = 1
    maps = torch.stack([torch.full((3, 3), level), SLOPED[0]])
    values = compute(name, explained(maps, images=torch.ones(2, 3, 6, 6), ground_truth=truth))[name]
    assert values.isnan().tolist() == [True, False]
    assert measured(name, explained(maps, images=torch.ones(2, 3, 6, 6), ground_truth=truth))[name][1] == 1


def test_a_map_with_little_contrast_is_a_map():
    sloped = (1 + 1e-3 * torch.tensor([3.0, 2.0, 1.0, 0.0])).tolist()
    assert measured("pointing_game", located(sloped)) == {"pointing_game": (1.0, 1)}
    assert measured("iou", located(sloped)) == {"iou": (1.0, 1)}


def test_a_learned_mask_of_one_half_is_not_above_one_half():
    example = located([4.0, 3.0, 2.0, 1.0], learned_mask=torch.tensor([[[0.75, 0.5, 0.25, 0.0]]]))
    assert measured("iou", example)["learned_mask_iou"] == (0.5, 1)


def test_a_flat_learned_mask_has_an_area_and_no_order():
    example = located([4.0, 3.0, 2.0, 1.0], learned_mask=torch.ones(1, 1, 4))
    assert measured("iou", example)["learned_mask_iou"] == (0.5, 1)
    assert measured("energy_inside", example)["learned_mask_energy_inside"] == (0.5, 1)
    assert undefined("pointing_game", example) == ["learned_mask_pointing_game"]
    assert undefined("pixel_average_precision", example) == ["learned_mask_pixel_average_precision"]


def test_every_measure_that_may_be_undefined_says_what_it_needs():
    nothing = torch.zeros(1, 4, 4, dtype=torch.uint8)
    flat = explained(ONE_CELL, mass(torch.full((4, 4), 1 / 16)), torch.ones(1, 3, 4, 4), ground_truth=nothing)
    found = {name for metric in METRICS for name in undefined(metric, flat)}
    assert found >= {"auc", "sufficiency", "insertion_auc", "iou", "ground_truth_area"}
    assert found <= {name for name, measure in MEASURES.items() if measure.needs}


@settings(max_examples=100)
@given(maps, st.lists(st.booleans(), min_size=16, max_size=16).filter(any))
def test_average_precision_is_scikit_learns_ties_included(saliency, object_pixels):
    positives = torch.tensor(object_pixels)
    both = torch.stack([saliency.flatten(), torch.arange(16.0)])
    expected = [average_precision_score(object_pixels, scores) for scores in both.numpy()]
    assert average_precision(both, positives.expand(2, 16)).tolist() == pytest.approx(expected, abs=1e-6)


# Prediction.


def predicted(probabilities, labels):
    probabilities = torch.as_tensor(probabilities, dtype=torch.float32)
    return explained(torch.zeros(len(labels), 8, 8), probabilities=probabilities, labels=torch.as_tensor(labels))


def test_accuracy_by_hand():
    example = predicted([[0.6, 0.4], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]], [0, 1, 1, 1])
    assert measured("accuracy", example) == {"accuracy": (0.75, 4)}


def test_macro_accuracy_is_the_mean_over_the_classes_that_occur():
    """Three of four images of class 0 are right, none of class 3 is, and no image is of class 1 or 2."""
    certain = np.eye(4)[[0, 0, 0, 1, 2]]
    assert measured("macro_accuracy", predicted(certain, [0, 0, 0, 0, 3])) == {
        "macro_accuracy": (pytest.approx((3 / 4 + 0) / 2), 5)
    }


def test_macro_accuracy_is_scikit_learns_macro_recall():
    generator = np.random.default_rng(0)
    labels, probabilities = generator.choice([0, 1, 3], 40), generator.dirichlet(np.ones(4), 40)
    expected = recall_score(labels, probabilities.argmax(1), labels=[0, 1, 3], average="macro")
    assert measured("macro_accuracy", predicted(probabilities, labels)) == {"macro_accuracy": (pytest.approx(expected), 40)}


def test_auc_is_scikit_learns_over_the_classes_that_occur():
    generator = np.random.default_rng(0)
    labels = generator.choice([0, 1, 3], 40)
    # Rounded, so that scores tie.
    probabilities = generator.dirichlet(np.ones(4), 40).round(1)
    expected = np.mean([roc_auc_score(labels == k, probabilities[:, k]) for k in (0, 1, 3)])
    assert measured("auc", predicted(probabilities, labels)) == {"auc": (pytest.approx(expected), 40), "auc_classes": (3, 40)}


def test_the_last_class_may_not_occur():
    example = predicted([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]], [0, 1, 0])
    assert measured("auc", example) == {"auc": (1.0, 3), "auc_classes": (2, 3)}


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_probability_that_is_no_number_is_an_error_and_not_a_value(broken):
    probabilities = [[0.6, 0.4], [broken, broken], [0.3, 0.7], [broken, 0.5]]
    message = r"probability that is NaN or infinite for 2 of 4 images, the first number 1 \(from 0\), expected .*; remove"
    with pytest.raises(InputError, match=message):
        predicted(probabilities, [0, 1, 1, 0])


@pytest.mark.parametrize("which", ["saliency", "class_saliency"])
def test_a_saliency_map_that_is_no_number_is_an_error(which):
    maps = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    broken = maps.clone()
    broken[2, 1, 1] = math.nan
    with pytest.raises(InputError, match=r"saliency map that is NaN or infinite for 1 of 3 images, the first c\.png"):
        explained(**({"saliency": maps, "class_saliency": maps} | {which: broken}), paths=["a.png", "b.png", "c.png"])


@pytest.mark.parametrize("name", ["sufficiency", "comprehensiveness", "insertion_auc", "deletion_auc"])
def test_a_prediction_with_hidden_pixels_that_is_no_number_is_an_error(name):
    """It would count as undefined, and so be left out."""
    whole = mass(torch.full((4, 4), 1 / 32))

    def overflowing(images):  # only of the second image, and only where pixels of it are hidden
        hidden = (images > 1.5).flatten(1).any(dim=1) & (images < 1.99).flatten(1).any(dim=1)
        return whole(images).masked_fill(hidden[:, None], math.nan)

    images = torch.stack([torch.ones(3, 4, 4), torch.full((3, 4, 4), 2.0)])
    maps = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0))
    example = explained(maps, overflowing, images, paths=["a.png", "b.png"], settings={"blur": 60.0})
    with pytest.raises(InputError, match=r"probability with hidden pixels that is NaN .* for 1 of 2 images, the first b\.png"):
        compute(name, example)


def test_auc_is_undefined_with_one_class_only():
    example = predicted([[0.6, 0.4], [0.2, 0.8]], [1, 1])
    assert measured("auc", example) == {"auc_classes": (1, 2)}
    assert undefined("auc", example) == ["auc"]


# All together. How far values may go that are not between 0 and 1: there are at most 5 classes, of a probability above 1/14.

RANGES = {
    "sufficiency": (-1, 1),
    "comprehensiveness": (-1, 1),
    "auc_classes": (2, 5),
    "mse_gap_bound": (0, 4 * math.sqrt(2)),
    "ce_gap": (0, math.log(14)),
    "ce_gap_constant": (1, 14),
    "ce_gap_bound": (0, 14 * math.sqrt(2)),
}


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_every_value_is_in_range_whatever_the_model(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    n, size = 6, 8
    weights = torch.randn(3 * size * size, classes, generator=generator)
    images = torch.randn(n, 3, size, size, generator=generator)
    labels = torch.arange(n) % classes
    example = explained(
        torch.rand(n, 2, 2, generator=generator),
        lambda images: torch.softmax(images.flatten(1) @ weights, dim=1),
        images,
        batch_size=4,
        labels=labels,
        class_saliency=torch.rand(n, 3, 3, generator=generator),
        ground_truth=torch.randint(0, 2, (n, size, size), generator=generator, dtype=torch.uint8),
        learned_mask=torch.rand(n, size, size, generator=generator),
        pairs=Pairs(
            indices=torch.tensor([0, 2, 5]),
            labels=labels[[0, 2, 5]],
            probabilities=torch.rand(3, classes, generator=generator).softmax(1),
            source_probabilities=torch.rand(3, classes, generator=generator).softmax(1),
            input_distances=torch.full((3,), 2.0),
        ),
        settings={"curve_steps": 6},
    )
    rows = measurements(measure(example, [load(entry.implementation) for entry in METRICS.values()]))
    assert {row["metric"] for row in rows} | {
        "normalised_sufficiency",
        "normalised_comprehensiveness",
    } == MEASURES.keys() - RATINGS.keys()
    for row in rows:
        low, high = RANGES.get(row["metric"], (0, 1))
        assert low <= row["value"] <= high
        assert 1 <= row["n"] <= n


def test_titles_and_directions_need_no_torch():
    check = "import sys, align.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
    assert {name for name, measure in MEASURES.items() if measure.higher_is_better is False} == {
        "background",
        "sufficiency",
        "normalised_sufficiency",
        "deletion_auc",
        "local_lipschitz",
        "local_lipschitz_95",
        "local_lipschitz_maximum",
        "output_gap",
        "mse_gap",
        "ce_gap",
        "output_distance",
    }
