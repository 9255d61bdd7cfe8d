"""A method that goes on from its saved state, random numbers of its own, and single images, masks and references."""

import io

import pytest
import torch
from method_terms import SIZE, SMALL, TRAINING, generator_of
from small_runs import HYPER_PARAMETERS

from align.methods import METHODS
from align.methods.align import references
from align.methods.align.losses import attained_fraction, log_odds_loss
from align.methods.align.relaxations import RELAXATIONS
from align.methods.base import Batch
from align.methods.cgc import CGC
from align.methods.group_dro import GroupDRO
from align.methods.masked_erm import MaskedERM
from align.methods.rsc import RSC
from align.methods.settings import CGCSettings, GroupDROSettings, MaskedERMSettings, RSCSettings
from align.methods.sgt import lowest_fraction
from align.methods.source_domains import domain_membership
from align.models.classifier import build_classifier
from align.registry import load

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
DOMAINS = torch.stack((torch.arange(8) < 4, torch.arange(8) >= 4))


def built(name, seed):
    classifier = build_classifier(SMALL, 3, generator_of(seed))
    settings = METHODS[name].settings(**HYPER_PARAMETERS.get(name, {}))
    return load(METHODS[name].implementation)(classifier, settings, TRAINING, generator_of(seed))


def taken(method, epoch, seed):
    """Take the first steps of an epoch on random images, and return their loss terms."""
    plain = torch.rand(8, 3, SIZE, SIZE, generator=generator_of(seed))
    batch = Batch(plain * 4 - 2, LABELS, None, DOMAINS, plain)
    prepares = method.start_epoch(epoch, 4)
    steps = [method.prepare(batch)] if prepares else []
    return [{name: term.tolist() for name, term in step.items()} for step in (*steps, method.step(batch))]


def remembered(method):
    values = {name: getattr(method, name) for name in method.remembered}
    return {name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in values.items()}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_goes_on_from_its_saved_state_as_if_nothing_had_happened(name):
    method, other = built(name, 0), built(name, 1)  # the other has other weights and other random numbers
    for epoch in (1, 3):  # ALIGN's first epoch is its warm-up
        taken(method, epoch, epoch)
    file = io.BytesIO()
    torch.save(method.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file))
    assert remembered(other) == remembered(method)
    assert taken(other, 4, 4) == taken(method, 4, 4)
    for network, weights in method.networks.items():
        torch.testing.assert_close(other.networks[network].state_dict(), weights.state_dict(), rtol=0, atol=0)


def test_a_method_that_prepares_nothing_is_prepared():
    method = built("erm", 0)
    assert method.start_epoch(1, 1) is False
    assert method.is_prepared([]) is True


def test_what_rsc_mutes_is_drawn_with_its_own_generator_and_only_where_it_has_a_choice(classifier, batch):
    features = classifier.features(batch.images).detach()

    def muted(global_seed, **settings):
        torch.manual_seed(global_seed)
        method = RSC(classifier, RSCSettings(**settings), TRAINING, generator_of(7))
        found = torch.stack([method.dominant_features(features, batch.labels).expand_as(features) for _ in range(30)])
        return found, torch.equal(method.generator.get_state(), generator_of(7).get_state())

    channels, untouched = muted(0)
    assert untouched
    assert torch.equal(channels, channels[:1].expand_as(channels))
    either, untouched = muted(0, muted="channels_or_positions")
    assert not untouched
    assert not torch.equal(either, either[:1].expand_as(either))
    assert torch.equal(muted(1, muted="channels_or_positions")[0], either)


@pytest.mark.parametrize("mask", ["ground_truth", "sam", "learned"])
def test_given_masks_are_used_as_they_are(classifier, batch, generator, mask):
    masks = torch.rand(8, 1, SIZE, SIZE, generator=generator)
    method = MaskedERM(classifier, MaskedERMSettings(mask=mask), TRAINING, generator)
    assert torch.equal(method.used_masks(batch._replace(given_masks=masks)), masks[:, 0])


def test_the_lowest_of_a_single_map():
    assert lowest_fraction(torch.tensor([[[3.0, 1.0], [2.0, 0.0]]]), 0.5).tolist() == [[[False, True], [False, True]]]


def test_a_domain_with_one_image_has_the_loss_of_that_image(classifier, batch, generator):
    classifier.eval()
    domains = torch.stack((torch.arange(8) == 3, torch.arange(8) != 3))
    method = GroupDRO(classifier, GroupDROSettings(step_size=1.0), TRAINING, generator)
    method.losses(batch._replace(domains=domains))
    log_probabilities = classifier(batch.images).log_softmax(1).detach()
    losses = -log_probabilities[torch.arange(8), batch.labels]
    expected = torch.stack((losses[3], losses[domains[1]].sum() / 7))  # the step size is 1: what is added is the loss
    torch.testing.assert_close(method.log_weights, expected, rtol=1e-4, atol=1e-5)


def test_without_source_domains_all_images_are_of_one(batch):
    assert torch.equal(domain_membership(batch), torch.full((1, 8), True))


def test_every_enlarged_map_has_the_sum_one_and_a_map_of_zeros_is_even(classifier, batch, generator):
    method = CGC(classifier, CGCSettings(), TRAINING, generator)
    features = classifier.features(batch.images).detach()
    maps = method.enlarged_grad_cam(features, batch.labels, 20)
    alive = maps.amax((1, 2, 3)) > 1e-6  # a class that nothing speaks for has a map of zeros
    assert alive.any()
    torch.testing.assert_close(maps.sum((1, 2, 3))[alive], torch.ones(int(alive.sum())), rtol=0, atol=1e-4)
    zeros = method.enlarged_grad_cam(torch.zeros_like(features), batch.labels, 20)
    assert torch.equal(zeros, torch.full_like(zeros, 1e-8))


def test_log_odds_of_images_are_weighted():
    kept, removed = torch.tensor([0.5, 0.9]), torch.tensor([0.2, 0.3])
    single = [log_odds_loss(kept[[i]], removed[[i]]).item() for i in range(2)]
    found = log_odds_loss(kept, removed, torch.tensor([1.5, 0.5])).item()
    assert found == pytest.approx((1.5 * single[0] + 0.5 * single[1]) / 2)


def test_all_of_nothing_is_attained_whatever_the_mask_does():
    """An image that its reference equals attains everything, even if its mask makes its class less probable."""
    half = torch.tensor([0.5])
    assert attained_fraction(torch.tensor([0.2]), half, half, half).tolist() == [1]


def test_a_mask_of_one_half_is_not_above_one_half():
    scores = torch.tensor([-1e-3, 0.0, 1e-3]).view(1, 1, 1, 3)
    assert RELAXATIONS["binary"](scores, torch.Generator()).flatten().tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", RELAXATIONS)
def test_masks_of_scores_on_a_device_are_computed_there(name):
    """The device ``meta`` is not the CPU, and every machine has it. It computes shapes only."""
    scores = torch.empty(2, 1, 4, 4, device="meta")
    assert RELAXATIONS[name](scores, torch.Generator()).device == scores.device


class TestReferences:
    def test_every_image_is_another_s_reference_and_of_another_class_if_it_can(self):
        """The largest class has half of the batch: then each of its images must go to one of the rest, and the other way."""
        labels = torch.tensor([0, 1, 0, 2, 0, 1, 0, 2])
        images = torch.arange(8.0)[:, None, None, None].expand(8, 3, 2, 2)
        for seed in range(20):
            chosen = references.batch(images, labels, generator_of(seed))[:, 0, 0, 0].long()
            assert sorted(chosen.tolist()) == list(range(8))
            assert (labels[chosen] != labels).all()

    def test_what_is_given_on_a_device_is_computed_there(self):
        """The device ``meta`` is not the CPU, and every machine has it. It computes shapes only."""
        images, labels = torch.empty(4, 3, 8, 8, device="meta"), torch.empty(4, dtype=torch.int64, device="meta")
        for reference in (references.blur, references.noise):
            assert reference(images, labels, torch.Generator()).device == images.device
