"""Runs of a few small images, for tests of training."""

import numpy as np
import torch

from align.augmentation.settings import AugmentationSettings
from align.imaging.view import View
from align.methods import METHODS
from align.models.settings import ClassifierSettings
from align.preparation.packed import Packed
from align.training.run import RunData, RunSettings, train_run
from align.training.settings import TrainingSettings
from align.training.trainer import Interruption, do_nothing

CPU = torch.device("cpu")
CLASSES = ["circle", "cross", "square"]
SIZE = 16
VIEW = View(SIZE)
NO_AUGMENTATION = AugmentationSettings(crop_scale=(1, 1), crop_ratio=(1, 1), flip=0, jitter=0, grey=0)
SMALL_MASKER = {"masker_steps": 3, "masker_steps_at_most": 4, "masker_width": 4, "warm_up": 0.34}
WITHOUT_GIVEN_MASKS = {"mask": "random", "degradation": "random", "degree": 0.2}
HYPER_PARAMETERS = {
    "align": SMALL_MASKER,
    "align-plus": SMALL_MASKER,
    "align-swap": SMALL_MASKER,
    "masked_erm": WITHOUT_GIVEN_MASKS,
}


def packed_images(count, seed):
    """Noise with a class-coloured tint, which a small network learns at once."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = random.integers(0, 200, (count, SIZE, SIZE, 3), dtype=np.uint8)
    images[np.arange(count), :, :, labels] += 55
    return Packed(images, labels.astype(np.int64), [f"{i}.png" for i in range(count)], None)


TRAINING_SPLIT, VALIDATION_SPLIT = packed_images(20, 1), packed_images(9, 2)


def run_settings(method="erm", widths=(4, 8), **training):
    return RunSettings(
        METHODS[method].implementation,
        METHODS[method].settings(**HYPER_PARAMETERS.get(method, {})),
        ClassifierSettings(architecture="small_resnet", weights=None, widths=widths),
        TrainingSettings(**{"epochs": 3, "batch_size": 6, "learning_rate": 1e-3} | training),
        AugmentationSettings(),
    )


def trained_run(
    method="erm", seed=0, sources=(TRAINING_SPLIT,), state=None, after_step=do_nothing, device=CPU, engine=None, **training
):
    data, interruption = RunData(sources, [VALIDATION_SPLIT], CLASSES), Interruption(state, after_step)
    return train_run(run_settings(method, **training), data, seed, device, engine, interruption=interruption)


def same_states(first, second):
    return all(torch.equal(tensor, second[network][name]) for network, state in first.items() for name, tensor in state.items())
