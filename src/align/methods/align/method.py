"""ALIGN: a masker and a classifier that train by turns (arXiv:2511.06944)."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from align.attribution.grad_cam import class_activation
from align.methods.adam import Adam
from align.methods.align.collapse import collapse, explanation_drift, mask_collapse
from align.methods.align.losses import guidance_loss
from align.methods.align.masker_training import LearnedMasker
from align.methods.align.other_masks import other_masks
from align.methods.align.settings import ALIGNSettings
from align.methods.base import Batch, Failure, OptimiserSettings
from align.methods.dre import DRE
from align.models.classifier import Classifier
from align.registry import load


class ALIGN(DRE):
    """Masker: L_mask = L_dist + λ₁‖M‖₁ + λ₂ TV(M). Classifier: L_clf = L_cls + λ₃ L_egl + λ₄ L_reg. L_reg is DRE's three terms.

    In the phase ``warm_up`` only the classifier trains, without L_egl. Then only the masker trains, until its mask is no longer
    collapsed. In the phase ``guided`` the two train by turns. With λ₃ = 0 the warm-up does not end, and ALIGN is DRE.
    """

    settings: ALIGNSettings
    phase = "warm_up"
    preparation = "masker"
    remembered: ClassVar[tuple[str, ...]] = ("phase",)

    def __init__(
        self, classifier: Classifier, settings: ALIGNSettings, training: OptimiserSettings, generator: torch.Generator
    ) -> None:
        super().__init__(classifier, settings, training, generator)
        self.masker = LearnedMasker(settings, classifier, generator) if settings.learns_masks else None
        self.guidance_mask: Tensor | None = None
        self.distinct: Tensor | None = None  # N booleans, see MaskerStep
        self.attribution = load(*settings.implementations)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each of the classifier's loss terms."""
        settings = self.settings
        regularisation = {name: settings.lambda4 * weight for name, weight in self.regularisation_weights.items()}
        return {"classification": 1.0, "guidance": settings.lambda3} | regularisation

    def start_epoch(self, epoch: int, epochs: int) -> bool:
        """Choose the phase. Return whether masker steps come first. They do at the end of the warm-up if masks are learned."""
        if self.phase == "guided" or not self.settings.uses_masks or epoch <= round(self.settings.warm_up * epochs):
            return False
        self.phase = "guided"
        return self.masker is not None

    def is_prepared(self, steps: Sequence[Mapping[str, Tensor]]) -> bool:
        """Return whether the masker has taken its steps and its mask is not collapsed, or whether it has used up its steps."""
        if len(steps) < self.settings.masker_steps:  # looking at the mask earlier would make the host wait for the GPU
            return False
        if not steps or len(steps) >= self.settings.masker_steps_at_most:
            return True
        return not collapse(float(steps[-1]["mask_area"]), float(steps[-1]["mask_spread"]))

    def prepare(self, batch: Batch) -> dict[str, Tensor]:
        """Take a step that trains only the masker."""
        return self.masker_step(batch)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one classifier step. In the guided phase a masker step comes first."""
        mask_terms = self.masker_step(batch) if self.phase == "guided" else {}
        return mask_terms | super().step(batch)

    def masker_step(self, batch: Batch) -> dict[str, Tensor]:
        """Set the masks that guide the classifier's next step. A learned masker takes one step for that."""
        if self.masker is None:
            self.guidance_mask, self.distinct = other_masks(self.settings.masker, batch, self.generator), None
            return {}
        taken = self.masker.step(batch, self.classifier)
        self.guidance_mask, self.distinct = taken.masks, taken.distinct
        return taken.terms

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return L_cls, the terms of L_reg and, in the guided phase, L_egl."""
        features, terms = self.base(batch)
        return terms | self.guidance(batch, features) if self.phase == "guided" else terms

    def base(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the last feature maps of the images, N×C×h×w, with L_cls and the terms of L_reg."""
        mixture = self.mixture(batch)
        return mixture.clean, self.terms(batch.labels, mixture)

    def guidance(self, batch: Batch, features: Tensor) -> dict[str, Tensor]:
        """Return L_egl. ``features`` are those of the batch's images, N×C×h×w."""
        assert self.guidance_mask is not None
        return {"guidance": guidance_loss(self.explanation(batch, features), self.guidance_mask)}

    def explanation(self, batch: Batch, features: Tensor) -> Tensor:
        """Return the maps Φ, N×h×w, that L_egl guides. ``features`` are those of the batch's images, N×C×h×w."""
        if self.settings.attribution == "grad_cam":
            return self.activation(features, batch.labels).relu()
        maps: Tensor = self.attribution(self.classifier, batch.images, features, batch.labels)
        return maps

    @torch.no_grad()
    def used_masks(self, batch: Batch) -> Tensor | None:
        """Return the masks that guide the classifier, N×H×W, NaN for an image without a mask. None if there is no guidance."""
        if not self.settings.uses_masks:
            return None
        if self.masker is None:
            return other_masks(self.settings.masker, batch, self.generator).squeeze(1)
        return self.masker.soft_masks(batch.images, self.classifier).squeeze(1)

    @torch.no_grad()
    def diagnose(self, batch: Batch, features: Tensor) -> dict[str, Tensor]:
        """Return each mask's area, its spread, and the share of Grad-CAM's energy outside of it, but only in the guided phase.

        A map that is zero everywhere has no energy, and no share of it.
        """
        mask = self.used_masks(batch) if self.phase == "guided" else None
        if mask is None:
            return {}
        known = mask.isfinite().all((1, 2))
        explanation = class_activation(self.classifier, features, batch.labels).relu()
        coarse = F.interpolate(mask[:, None], explanation.shape[-2:], mode="area").squeeze(1)
        energy = explanation.sum((1, 2))
        outside = (explanation * (1 - coarse)).sum((1, 2)) / energy
        watched = {
            "validation_mask_area": mask.mean((1, 2)),
            "validation_mask_spread": mask.std((1, 2), correction=0),
            "validation_energy_outside": outside,
        }
        return {name: values.where(known, torch.nan) for name, values in watched.items()}

    def failures(self, history: Mapping[str, Mapping[int, float]]) -> list[Failure]:
        """Return the collapse of the mask and the drift of the explanations, if the run shows them."""
        watched = ("validation_mask_area", "validation_mask_spread", "validation_energy_outside")
        areas, spreads, energies = (history.get(name, {}) for name in watched)
        accuracies = [history["validation_accuracy"][epoch] for epoch in energies]
        drift = explanation_drift(accuracies, list(energies.values()), min(energies, default=0))
        return [failure for failure in (mask_collapse(areas, spreads), drift) if failure]

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Return the networks that a checkpoint holds, by name."""
        return super().networks | ({} if self.masker is None else {"masker": self.masker.network})

    @property
    def optimisers(self) -> dict[str, Adam]:
        """Return the optimisers by name."""
        return super().optimisers | ({} if self.masker is None else {"masker": self.masker.optimiser})
