"""What can be set of ALIGN, with where each value comes from. Imports no torch: see align.registry."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from align.attribution import ATTRIBUTIONS
from align.methods.settings import Attribution, GivenMasks, MethodSettings
from align.settings import declared


class ALIGNSettings(MethodSettings):
    """ALIGN (arXiv:2511.06944). The paper publishes none of these values except the length of the warm-up."""

    masker: Literal["learned", "grey", "sam", "ground_truth", "random", "centre"] = Field(
        "learned", description="whose masks guide: the learned ones; m-Gray, m-SAM; the true ones, where known; two controls"
    )
    attribution: Attribution = declared("grad_cam", "the explanation Φ that L_egl guides", "the paper: Grad-CAM; others are ours")
    lambda1: float = declared(
        2.0, "λ₁: weight of the mask's L1 norm (mean over pixels)", "below 1 masks keep everything; 1.5 does as well", ge=0
    )
    lambda2: float = declared(
        0.5, "λ₂: weight of the mask's total variation", "found the digits in a first study; not searched", ge=0
    )
    lambda3: float = declared(
        1.0,
        "λ₃: weight of L_egl, the explanation guidance; 0 is w/o EG, the warm-up to the end, without a masker",
        "0.3 and 3 are no better by half a point",
        ge=0,
    )
    lambda4: float = declared(
        1.0, "λ₄: weight of L_reg, Mixup in attribution space", "DRE's weight of the same term; 0.1 does as well", ge=0
    )
    beta: float = declared(0.2, "parameter of Beta(β, β), which gives the mixing ratio of L_reg", "DRE's value", gt=0)
    warm_up: float = declared(
        0.5,
        "share of the epochs in which the classifier trains without guidance",
        "the paper: 200 epochs of an unknown total",
        ge=0,
        le=1,
    )
    masker_steps: int = declared(
        150, "masker steps alone between warm-up and guidance", "fewer leave the mask near its start", ge=0
    )
    masker_steps_at_most: int = declared(600, "masker steps alone while the mask is collapsed", "four times masker_steps", ge=0)
    masker_learning_rate: float = declared(
        3e-3, "Adam's step size for the masker", "found the digits in a first study; not searched", gt=0
    )
    masker_input: Literal["pixels", "features"] = declared(
        "pixels",
        "what the masker sees: the image, or the frozen classifier's map before its last stage",
        "the paper: a light CNN on images",
    )
    masker_width: int = declared(32, "channels of the masker's hidden layers", "the paper says light", ge=1)
    masker_strides: tuple[int, int, int] = declared(
        (2, 2, 1), "strides of the masker's three convolutions", "a receptive field of the object's size"
    )
    mask_values: Literal["soft", "binary", "hardened"] = declared(
        "soft",
        "masks as the masker's losses see them: soft; 0 or 1, with the soft ones' gradient; or almost hard, at a random level. "
        "L_egl and the evaluation take the soft ones",
        "the paper: soft masks",
    )
    reference: Literal["zero", "blur", "noise", "batch"] = declared(
        "zero",
        "what hidden pixels show the classifier: ImageNet's mean colour, the image blurred, noise, or another image of the batch",
        "the paper: x ⊙ M",
    )
    distinction: Literal["probability", "log_odds"] = declared(
        "probability",
        "L_dist: the paper's, or −0.3 (log p_y(kept) + log(1 − p_y(removed))), which has a slope where p_y is near 0 or 1",
        "the paper's",
    )
    sparsity: Literal["fixed", "target_area", "adaptive"] = declared(
        "fixed",
        "L_sparsity: ‖M‖₁; its distance to target_area in each image; or ‖M‖₁ times the share of the attainable dist that the "
        "image's mask reaches, so that no mask is shrunk for what it has not yet found",
        "the paper: ‖M‖₁; the others are ours, for its open question of fine detail",
    )
    target_area: float = declared(
        0.2, "the mask's area that target_area aims at", "between a digit's and a VOC box's", gt=0, lt=1
    )
    even_classes: bool = declared(
        False,
        "whether every class of a batch counts alike in the masker's losses",
        "the paper does not say so",
    )
    detach_weights: bool = declared(True, "treat Grad-CAM's channel weights as constants", "unknown for ALIGN; DRE's choice")

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return whose masks are given with the images, None where the masker needs none."""
        return self.masker if self.masker in ("ground_truth", "sam") else None

    @property
    def learns_masks(self) -> bool:
        """Tell whether a masker is trained: it has to be the learned one, and something has to be guided."""
        return self.masker == "learned" and self.lambda3 > 0

    @property
    def implementations(self) -> tuple[str, ...]:
        """Return where the attribution of L_egl is."""
        return (ATTRIBUTIONS[self.attribution],)

    @model_validator(mode="after")
    def _room_for_collapse(self) -> Self:
        if self.masker_steps_at_most < self.masker_steps:
            raise ValueError(
                f"masker_steps_at_most is {self.masker_steps_at_most}, expected at least masker_steps, {self.masker_steps}"
            )
        return self


def _instead(name: str, default: Any, because: str) -> Any:
    """Return ALIGN's field ``name`` with another default and its reason."""
    field, reason = ALIGNSettings.model_fields[name], {"because": f"{because}: docs/masker_study.md"}
    return FieldInfo.merge_field_infos(field, default=default, json_schema_extra=reason)


class ALIGNPlusSettings(ALIGNSettings):
    """ALIGN with a masker that finds objects in photographs; not the paper's."""

    lambda2: float = _instead("lambda2", 0.1, "from a first study of photographs; not searched")
    masker_steps: int = _instead("masker_steps", 300, "hardened masks need longer; not searched")
    masker_input: Literal["pixels", "features"] = _instead("masker_input", "features", "dist on photographs")
    mask_values: Literal["soft", "binary", "hardened"] = _instead("mask_values", "hardened", "no worse than soft, and clearer")
    reference: Literal["zero", "blur", "noise", "batch"] = _instead("reference", "noise", "dist on photographs, with both seeds")
