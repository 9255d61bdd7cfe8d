"""The hyper-parameters of every method, with where each value comes from. Imports no torch: see align.registry."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from align.configuration.base import Section, declared

GivenMasks = Literal["ground_truth", "sam", "learned"]


class MethodSettings(Section):
    """The hyper-parameters of a method, and what it needs; a method without any has this."""

    several_sources: ClassVar[bool] = False  # whether it compares source domains with each other

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return whose masks the method is given with the images: the data set's, Segment Anything's or ALIGN's; None: none."""
        return None


class SGTSettings(MethodSettings):
    """Saliency-guided training (arXiv:2111.14338)."""

    masked_fraction: float = declared(
        0.5, "share of pixels, those with the lowest gradient, that are replaced", "the authors' README", gt=0, lt=1
    )
    consistency: float = declared(1.0, "weight of KL(f(x) ‖ f(x̃))", "the authors' code", ge=0)


class DRESettings(MethodSettings):
    """Distributionally robust explanations (arXiv:2303.16390)."""

    consistency: float = declared(1.0, "weight of the L1 distance between mixed and mixture maps", "the authors' code", ge=0)
    sparsity: float = declared(0.5, "weight of the map's L1 norm", "the authors' code", ge=0)
    mixed_classification: float = declared(0.1, "weight of the cross-entropy of mixed images", "the authors' code", ge=0)
    beta: float = declared(0.2, "parameter of Beta(β, β), which gives the mixing ratio", "the authors' code", gt=0)
    sparsity_norm: Literal["mean", "authors"] = declared(
        "mean", "the map's L1 norm: mean over its cells, or the authors' column maximum", "the paper's stated intent"
    )
    detach_weights: bool = declared(True, "treat Grad-CAM's channel weights as constants", "the authors' code (captum)")


class ALIGNSettings(MethodSettings):
    """ALIGN (arXiv:2511.06944). The paper publishes none of these values except the length of the warm-up."""

    lambda1: float = declared(
        2.0, "λ₁: weight of the mask's L1 norm (mean over pixels)", "below 1 masks keep everything; 1.5 does as well", ge=0
    )
    lambda2: float = declared(
        0.5, "λ₂: weight of the mask's total variation", "found the digits in a first study; not searched", ge=0
    )
    lambda3: float = declared(
        1.0, "λ₃: weight of L_egl, the explanation guidance", "0.3 and 3 are no better by half a point", ge=0
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
    detach_weights: bool = declared(True, "treat Grad-CAM's channel weights as constants", "unknown for ALIGN; DRE's choice")

    @model_validator(mode="after")
    def _room_for_collapse(self) -> Self:
        if self.masker_steps_at_most < self.masker_steps:
            raise ValueError(
                f"masker_steps_at_most is {self.masker_steps_at_most}, expected at least masker_steps, {self.masker_steps}"
            )
        return self
