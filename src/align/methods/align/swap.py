"""ALIGN-swap: ALIGN whose mask also replaces the background of the images. It is this project's, not the paper's."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from align.masking.compositing import composite
from align.methods.align.backgrounds import BACKGROUNDS, emptied, mixed_backgrounds
from align.methods.align.collapse import EVERYTHING, NOTHING
from align.methods.align.losses import even_weights
from align.methods.align.method import ALIGN
from align.methods.align.settings import ALIGNSwapSettings
from align.methods.align.swap_masks import SWAP_MASKS
from align.methods.attribution_mixup import same_class_partners
from align.methods.base import Batch
from align.methods.settings import SGTSettings
from align.methods.sgt import divergence, replace_least_salient
from align.methods.views import view_features


class ALIGNSwap(ALIGN):
    """L = L_cls + λ₄ L_reg + λ₃ L_egl + α KL(f(x) ‖ f(x̃)) + β CE(f(x̃)), with x̃ = M̄ ⊙ x + (1 − M̄) ⊙ B.

    M̄ is the mask without a gradient. B is noise, or with probability c the emptied image of another object of the same class: c
    says how much of the class the background of a validation image shows. Warm-up, masker and L_egl are ALIGN's. A share of the
    batch is swapped that rises from 0 over the first guided epochs, and only images whose mask is credible.
    """

    settings: ALIGNSwapSettings
    remembered = ("phase", "share", "context", "steps", "mask_terms")
    share = 0.0
    context = 0.0
    steps = 0
    mask_terms: dict[str, Tensor] = {}  # noqa: RUF012 (never changed)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each of the classifier's loss terms."""
        settings = self.settings
        swap = {"swap_consistency": settings.swap_consistency, "swap_classification": settings.swap_classification}
        return {**super().weights, **swap}

    def start_epoch(self, epoch: int, epochs: int) -> bool:
        """Choose the phase, and the share of images that are swapped. Return whether masker steps come first."""
        begins = super().start_epoch(epoch, epochs)
        if self.phase == "guided":
            guided = epochs - round(self.settings.warm_up * epochs)
            done = epoch - epochs + guided  # 1 in the first guided epoch
            self.share = self.settings.swap_share * min(1.0, (done - 1) / max(self.settings.swap_rise * guided, 1))
            if self.settings.context != "measured":
                self.context = self.settings.context
        return begins

    def prepare(self, batch: Batch) -> dict[str, Tensor]:
        """Take a step that trains only the masker."""
        return super().masker_step(batch)

    def masker_step(self, batch: Batch) -> dict[str, Tensor]:
        """Set the masks of the batch. The masker learns in every ``masker_every``-th step, and else reports its last terms."""
        learns = self.masker is None or self.steps % self.settings.masker_every == 0
        self.steps += 1
        if learns:
            self.mask_terms = super().masker_step(batch)
        else:
            assert self.masker is not None
            self.guidance_mask, self.distinct = self.masker.soft_masks(batch.images, self.classifier), None
        return self.mask_terms

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return L_cls and the terms of L_reg. In the guided phase also L_egl, and the two terms of the swapped images."""
        if self.phase != "guided":
            return super().losses(batch)
        features, terms = self.base(batch)
        if self.settings.lambda3 > 0:
            terms |= self.guidance(batch, features)
        logits = self.classifier.classify(features)
        swapped_logits = self.classifier.classify(self.classifier.features(self.swapped(batch)))
        return terms | {
            "swap_consistency": divergence(logits, swapped_logits),
            "swap_classification": F.cross_entropy(swapped_logits, batch.labels),
        }

    @property
    def regularisation_weights(self) -> Mapping[str, float]:
        """Return the weights of the terms of L_reg: DRE's three, or SGT's one."""
        if self.settings.regulariser == "dre":
            return super().regularisation_weights
        return {"consistency": SGTSettings().consistency}

    def base(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the last feature maps of the images, N×C×h×w, with L_cls and the terms of L_reg, if λ₄ is not 0."""
        settings, classifier, (images, labels) = self.settings, self.classifier, batch[:2]
        if settings.lambda4 == 0:
            features = classifier.features(images)
            return features, {"classification": F.cross_entropy(classifier.classify(features), labels)}
        if settings.regulariser == "dre":
            return super().base(batch)
        noisy = replace_least_salient(classifier, images, labels, SGTSettings().masked_fraction, self.generator)
        features, noisy_features = view_features(classifier, (images, noisy), settings.forward_passes)
        logits, noisy_logits = map(classifier.classify, (features, noisy_features))
        return features, {
            "classification": F.cross_entropy(logits, labels),
            "consistency": divergence(logits, noisy_logits),
        }

    @torch.no_grad()
    def swapped(self, batch: Batch) -> Tensor:
        """Return the images x̃, N×3×H×W. An image that is not chosen, or whose mask is not credible, stays as it is."""
        settings, generator, images = self.settings, self.generator, batch.images
        assert self.guidance_mask is not None
        mask = self.guidance_mask.nan_to_num()
        noise = mixed_backgrounds(settings.backgrounds, images, mask, generator)
        same_class = emptied(images, mask, same_class_partners(batch.labels, generator))
        background = torch.where(self._drawn(self.context, images), same_class, noise)
        kept = (mask > 0.5).to(images.dtype) if settings.swap_values == "binary" else mask
        shown = SWAP_MASKS[settings.swap_mask](self.classifier, batch, kept, generator)
        area = mask.mean((1, 2, 3))
        credible = (area > NOTHING) & (area < EVERYTHING)
        if self.distinct is not None:
            credible &= self.distinct
        chosen = self._drawn(self.share, images) & credible.view(-1, 1, 1, 1)
        return torch.where(chosen, composite(images, shown, background), images)

    def _drawn(self, share: float, images: Tensor) -> Tensor:
        """Return random booleans N×1×1×1, true with probability ``share``."""
        return torch.rand((len(images), 1, 1, 1), generator=self.generator, device=images.device) < share

    @torch.no_grad()
    def diagnose(self, batch: Batch, features: Tensor) -> dict[str, Tensor]:
        """Return what ALIGN watches and, in the guided phase, how well the classifier tells the classes of three views.

        They are the whole image; its background, without the object; and its object, on a background of any kind. Every class
        has the same weight.
        """
        watched = super().diagnose(batch, features)
        if self.phase != "guided":
            return watched
        images, mask = batch.images, self.used_masks(batch)
        assert mask is not None
        mask = mask.nan_to_num()[:, None]
        own = torch.arange(len(images), device=images.device)
        other = mixed_backgrounds(list(BACKGROUNDS), images, mask, self.generator)
        logits = {
            "whole": self.classifier.classify(features),
            "background": self.classifier(emptied(images, mask, own)),
            "object": self.classifier(composite(images, mask, other)),
        }
        weights = even_weights(batch.labels)
        return watched | {f"validation_of_{name}": weights * (some.argmax(1) == batch.labels) for name, some in logits.items()}

    def observe(self, values: Mapping[str, float]) -> None:
        """Set c: what validation images show of their class without the objects, over what they show with them."""
        if self.settings.context == "measured" and "validation_of_background" in values:
            chance = 1 / self.classifier.head.out_features
            with_objects, without = (values[f"validation_of_{name}"] - chance for name in ("whole", "background"))
            self.context = min(max(without / max(with_objects, chance), 0.0), 1.0)
