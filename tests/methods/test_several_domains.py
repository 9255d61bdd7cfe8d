"""Training on several source domains: what is in a batch, what is validated, and that masks stay with their images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from align.augmentation.settings import AugmentationSettings
from align.imaging.masks import FULL, UNKNOWN
from align.imaging.normalisation import denormalise, normalise
from align.methods import METHODS
from align.methods.settings import MethodSettings
from align.models.settings import ClassifierSettings
from align.preparation.packed import Packed
from align.training.batches import TrainingBatches, shuffled
from align.training.images import Images, on_device
from align.training.run import RunData, RunSettings, train_run
from align.training.settings import TrainingSettings
from align.training.trainer import validate

CPU = torch.device("cpu")
SIZE = 16
SIZES = (4, 10, 25)
DOMAIN = torch.arange(3).repeat_interleave(torch.tensor(SIZES))
DOMAINS = torch.arange(3)[:, None] == DOMAIN
AS_IT_IS = AugmentationSettings(crop_scale=(1, 1), crop_ratio=(1, 1), flip=0, jitter=0, grey=0)
ERM = RunSettings(
    METHODS["erm"].implementation,
    MethodSettings(),
    ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 8)),
    TrainingSettings(epochs=1, batch_size=6),
    AugmentationSettings(),
)


def split(masks=None):
    """39 images of three domains, each of its own grey level, which is also its label."""
    images = torch.arange(39, dtype=torch.uint8).view(39, 1, 1, 1).expand(39, SIZE, SIZE, 3)
    return Images(images, torch.arange(39), masks, DOMAINS)


def packed(count, seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    return Packed(images, random.integers(0, 3, count), [f"{seed}/{i}.png" for i in range(count)], None)


@pytest.mark.parametrize(("batch_size", "share", "batches"), [(6, 2, 6), (8, 2, 6), (39, 13, 1), (99, 33, 1), (2, 1, 13)])
def test_every_batch_has_equally_many_images_of_each_domain(batch_size, share, batches, generator):
    found = list(shuffled(split(), batch_size, generator))
    assert len(found) == batches  # as many as 39 images fill
    for indices in found:
        assert torch.bincount(DOMAIN[indices]).tolist() == [share] * 3


def test_images_of_a_small_domain_are_repeated_evenly(generator):
    times = torch.bincount(torch.cat(list(shuffled(split(), 6, generator))), minlength=39)
    small, middle, large = (sorted(part.tolist()) for part in times.split(SIZES))  # 12 draws from each
    assert small == [3] * 4
    assert middle == [1] * 8 + [2] * 2
    assert large == [0] * 13 + [1] * 12


def test_the_order_is_the_generator_s():
    def order(seed):
        return torch.cat(list(shuffled(split(), 6, torch.Generator().manual_seed(seed)))).tolist()

    assert order(0) == order(0)
    assert order(0) != order(1)


def test_images_stay_with_their_labels_domains_and_masks(generator):
    masks = torch.arange(39, dtype=torch.uint8).view(39, 1, 1).expand(39, SIZE, SIZE).clone()
    masks[5:20] = UNKNOWN
    for batch in TrainingBatches(split(masks), 9, AS_IT_IS, generator):
        assert batch.domains.tolist() == DOMAINS[:, batch.labels].tolist()
        level = 255 * denormalise(batch.images).mean((1, 2, 3))
        torch.testing.assert_close(level, batch.labels.float(), rtol=0, atol=1e-3)
        known = (batch.labels < 5) | (batch.labels >= 20)
        torch.testing.assert_close(
            FULL * batch.given_masks[known].mean((1, 2, 3)), batch.labels[known].float(), rtol=0, atol=1e-3
        )
        assert batch.given_masks[~known].isnan().all()


def test_masks_move_with_their_images_and_keep_their_values(generator):
    drawn = torch.randint(0, 2, (39, SIZE, SIZE), generator=generator, dtype=torch.uint8)
    both = Images(255 * drawn[..., None].repeat(1, 1, 1, 3), torch.arange(39), FULL * drawn, DOMAINS)
    moving = AS_IT_IS.model_copy(update={"crop_scale": (0.3, 0.6), "flip": 0.5})
    for batch in TrainingBatches(both, 9, moving, generator):
        torch.testing.assert_close(batch.given_masks.expand(-1, 3, -1, -1), denormalise(batch.images), rtol=0, atol=1e-5)
        assert not torch.equal(batch.given_masks[:, 0], drawn[batch.labels].float())
    coloured = AS_IT_IS.model_copy(update={"jitter": 1.0, "grey": 1.0})
    for batch in TrainingBatches(both, 9, coloured, generator):
        torch.testing.assert_close(batch.given_masks[:, 0], drawn[batch.labels].float(), rtol=0, atol=1e-5)


def test_domains_are_joined_in_their_order_with_their_masks():
    random = np.random.default_rng(0)
    parts = [
        replace(part, given_masks=random.integers(0, 256, part.images.shape[:3], np.uint8))
        for part in (packed(3, 1), packed(5, 2))
    ]
    joined = on_device(parts, CPU)
    for tensor, arrays in (
        (joined.images, [part.images for part in parts]),
        (joined.labels, [part.labels for part in parts]),
        (joined.given_masks, [part.given_masks for part in parts]),
    ):
        assert np.array_equal(tensor.numpy(), np.concatenate(arrays))
    assert joined.domains.tolist() == [[True] * 3 + [False] * 5, [False] * 3 + [True] * 5]
    alone = on_device([packed(3, 1)], CPU)
    assert (alone.given_masks, alone.domains) == (None, None)


def test_validation_counts_every_image_of_every_domain_once():
    method = ERM.build(3, 0, CPU)
    parts = [packed(3, 1), packed(40, 2)]
    method.classifier.eval()
    with torch.no_grad():
        unit = [torch.from_numpy(part.images.transpose(0, 3, 1, 2) / np.float32(255)) for part in parts]
        correct = [method.classifier(normalise(images)).argmax(1).numpy() == part.labels for images, part in zip(unit, parts)]
    assert validate(method, on_device(parts, CPU))["validation_accuracy"] == pytest.approx(np.concatenate(correct).mean())


@pytest.mark.parametrize("method", [name for name, entry in METHODS.items() if entry.settings.several_sources])
def test_methods_of_several_domains_train_and_repeat(method):
    settings = ERM._replace(implementation=METHODS[method].implementation, hyper_parameters=METHODS[method].settings())
    training, validation = [packed(9, 1), packed(4, 2), packed(12, 3)], [packed(3, 4), packed(2, 5), packed(3, 6)]
    runs = [train_run(settings, RunData(training, validation, ["a", "b", "c"]), seed, CPU)[0] for seed in (0, 0, 1)]
    assert runs[0].history.rows == runs[1].history.rows
    assert runs[0].history.rows != runs[2].history.rows
