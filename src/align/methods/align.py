"""ALIGN: a masker and a classifier, trained by turns (arXiv:2511.06944)."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, repeat

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from align.attribution.grad_cam import class_activation
from align.attribution.scaling import min_max_scale
from align.configuration.schema import Training
from align.methods.attribution_mixup import mix, mixing_ratios, mixture_distance, same_class_partners
from align.methods.base import Batch, Method, minimise, weighted_sum
from align.methods.freezing import frozen
from align.methods.settings import ALIGNSettings
from align.models.classifier import Classifier
from align.models.masker import ConvolutionalMasker
from align.training.failures import is_collapsed


class ALIGN(Method):
    """Masker: L_mask = L_dist + λ₁‖M‖₁ + λ₂ TV(M). Classifier: L_clf = L_cls + λ₃ L_egl + λ₄ L_reg.

    ``phase`` is ``warm_up`` (the classifier alone, without L_egl) and then ``guided`` (by turns); between the two the
    masker trains alone until its mask is not collapsed.
    """

    settings: ALIGNSettings
    phase = "warm_up"

    def __init__(self, classifier: Classifier, settings: ALIGNSettings, training: Training, generator: torch.Generator) -> None:
        super().__init__(classifier, settings, training, generator)
        on_cpu = torch.Generator().manual_seed(generator.initial_seed())  # initial weights are those of any other device
        masker = ConvolutionalMasker(settings, classifier.intermediate_channels, on_cpu)
        self.masker = masker.to(classifier.head.weight.device).to(memory_format=torch.channels_last)
        self.masker_optimiser = torch.optim.Adam(self.masker.parameters(), lr=settings.masker_learning_rate)
        self.guidance_mask: Tensor | None = None

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each of the classifier's loss terms."""
        return {"classification": 1.0, "guidance": self.settings.lambda3, "regularisation": self.settings.lambda4}

    @property
    def mask_weights(self) -> Mapping[str, float]:
        """Return the weight of each of the masker's loss terms."""
        return {"mask_distinction": 1.0, "mask_sparsity": self.settings.lambda1, "mask_smoothness": self.settings.lambda2}

    def start_epoch(self, epoch: int, epochs: int, batches: Callable[[], Iterator[Batch]]) -> list[dict[str, Tensor]]:
        """Choose the phase; at the end of the warm-up, train the masker alone."""
        if self.phase == "guided" or epoch <= round(self.settings.warm_up * epochs):
            return []
        self.phase = "guided"
        steps: list[dict[str, Tensor]] = []
        for batch in chain.from_iterable(one_pass() for one_pass in repeat(batches)):
            collapsed = bool(steps) and is_collapsed(float(steps[-1]["mask_sparsity"]))
            if len(steps) >= (self.settings.masker_steps_at_most if collapsed else self.settings.masker_steps):
                return steps
            steps.append(self.masker_step(batch))
        return steps

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one masker step, once guided, and one classifier step."""
        mask_terms = self.masker_step(batch) if self.phase == "guided" else {}
        return mask_terms | super().step(batch)

    def masker_step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step of the masker against the frozen classifier and keep the mask for the classifier's step."""
        images, labels = batch.images, batch.labels
        with frozen(self.classifier):
            mask = self.masker(images, self.classifier)
            probabilities = self.classifier(torch.cat((images * mask, images * (1 - mask)))).softmax(1)
            kept, removed = probabilities.gather(1, labels.repeat(2)[:, None]).squeeze(1).chunk(2)
            terms = {
                "mask_distinction": distinction_loss(kept, removed),
                "mask_sparsity": mask.mean(),
                "mask_smoothness": total_variation(mask),
            }
            total = weighted_sum(terms, self.mask_weights)
            minimise(total, self.masker_optimiser)
        self.guidance_mask = mask.detach()
        return {name: term.detach() for name, term in (*terms.items(), ("mask_total", total))}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return L_cls, L_reg and, once guided, L_egl; clean and mixed images share one forward pass."""
        images, labels = batch.images, batch.labels
        partners = same_class_partners(labels, self.generator)
        ratios = mixing_ratios(len(labels), self.settings.beta, self.generator)
        features = self.classifier.features(torch.cat((images, mix(images, partners, ratios))))
        activation = class_activation(self.classifier, features, labels.repeat(2), detach_weights=self.settings.detach_weights)
        maps, mixed_maps = min_max_scale(activation).chunk(2)
        terms = {
            "classification": F.cross_entropy(self.classifier.classify(features[: len(labels)]), labels),
            "regularisation": mixture_distance(maps, mixed_maps, partners, ratios),
        }
        if self.phase == "guided":
            assert self.guidance_mask is not None
            terms["guidance"] = guidance_loss(activation[: len(labels)].relu(), self.guidance_mask)
        return terms

    @torch.no_grad()
    def mask(self, batch: Batch) -> Tensor:
        """Return the learned masks N×H×W."""
        with frozen(self.classifier), frozen(self.masker):
            masks: Tensor = self.masker(batch.images, self.classifier).squeeze(1)
            return masks

    def diagnose(self, batch: Batch) -> dict[str, Tensor]:
        """Return the mask's area and the share of Grad-CAM's energy outside of the mask, N each."""
        mask = self.mask(batch)
        with torch.no_grad():
            explanation = class_activation(self.classifier, self.classifier.features(batch.images), batch.labels).relu()
            coarse = F.interpolate(mask[:, None], explanation.shape[-2:], mode="area").squeeze(1)
            energy = explanation.sum((1, 2))
            outside = (explanation * (1 - coarse)).sum((1, 2)) / energy.clamp_min(torch.finfo(energy.dtype).tiny)
        return {"validation_mask_area": mask.mean((1, 2)), "validation_energy_outside": outside}

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Return what a checkpoint holds, by name."""
        return super().networks | {"masker": self.masker}


def distinction_loss(kept: Tensor, removed: Tensor) -> Tensor:
    """Return L_dist = mean (p_y(x ⊙ M) − p_y(x ⊙ (1 − M)) − 1)² of the two probabilities, N each."""
    return (kept - removed - 1).square().mean()


def total_variation(mask: Tensor) -> Tensor:
    """Return L_smooth: the mean absolute difference of neighbouring pixels of N×1×H×W, over both directions."""
    vertical = (mask[..., 1:, :] - mask[..., :-1, :]).abs().mean()
    horizontal = (mask[..., :, 1:] - mask[..., :, :-1]).abs().mean()
    return (vertical + horizontal) / 2


def guidance_loss(explanation: Tensor, mask: Tensor) -> Tensor:
    """Return L_egl: the binary cross-entropy of the explanation N×h×w, scaled per image, and the mask N×1×H×W."""
    target = F.interpolate(mask, explanation.shape[-2:], mode="area").squeeze(1)
    # Scaling puts a 0 and a 1 in every map, where the cross-entropy's slope is infinite.
    scaled = min_max_scale(explanation).clamp(1e-3, 1 - 1e-3)
    return F.binary_cross_entropy(scaled, target)
