"""The hyper-parameters of ALIGN, each with the source of its value. This module imports no torch, see align.registry."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from align.attribution import AT_LAST_MAP, ATTRIBUTIONS
from align.methods.settings import Attribution, DRESettings, GivenMasks, MethodSettings
from align.settings import Share, declared


class ALIGNSettings(DRESettings):
    """ALIGN (arXiv:2511.06944). The paper publishes none of these values except the length of the warm-up.

    L_reg has DRE's settings. With sparsity and mixed_classification 0 it is the consistency of maps alone.
    """

    masker: Literal["learned", "grey", "sam", "salient_object", "folder", "ground_truth", "random", "centre"] = Field(
        "learned",
        description="the masks that guide: learned; grey (m-Gray); sam (m-SAM); salient_object; those of a folder of yours "
        "(guiding_masks); ground_truth; or a control",
    )
    attribution: Attribution = declared(
        "grad_cam", "the explanation Φ that L_egl guides", "the paper takes Grad-CAM; the others are ours"
    )
    lambda1: float = declared(
        2.0, "λ₁: weight of the mask's L1 norm (mean over pixels)", "below 1, masks keep everything; 1.5 works as well", ge=0
    )
    lambda2: float = declared(
        0.5, "λ₂: weight of the mask's total variation", "it found the digits in a first study; not searched", ge=0
    )
    lambda3: float = declared(
        1.0,
        "λ₃: weight of L_egl, the explanation guidance; with 0 (w/o EG), the warm-up lasts to the end and there is no masker",
        "neither 0.3 nor 3 is better by more than half a point",
        ge=0,
    )
    lambda4: float = declared(
        1.0,
        "λ₄: weight of L_reg, the terms that DRE adds to the cross-entropy: consistency, sparsity and mixed_classification",
        "without guidance, the paper's ALIGN has the accuracy of DRE to the digit",
        ge=0,
    )
    warm_up: float = declared(
        0.5,
        "share of the epochs in which the classifier trains without guidance",
        "the paper warms up for 200 epochs, of an unknown total; ours is a share, by default 30 of 60 epochs in all",
        ge=0,
        le=1,
    )
    masker_steps: int = declared(
        150,
        "least number of steps that train only the masker, between warm-up and guidance",
        "with fewer steps, the mask stays near its start",
        ge=0,
    )
    masker_steps_at_most: int = declared(
        600, "number at which these steps end even if the mask is still collapsed", "four times masker_steps", ge=0
    )
    masker_learning_rate: float = declared(
        3e-3, "Adam's step size for the masker", "it found the digits in a first study; not searched", gt=0
    )
    masker_input: Literal["pixels", "features"] = declared(
        "pixels",
        "what the masker sees: the image, or the feature map before the last stage of the frozen classifier",
        "the paper describes a light CNN on images",
    )
    masker_width: int = declared(32, "channels of the masker's hidden layers", "the paper says light", ge=1)
    masker_strides: tuple[int, int, int] = declared(
        (2, 2, 1), "strides of the masker's three convolutions", "the receptive field then has the size of an object"
    )
    mask_values: Literal["soft", "binary", "hardened"] = declared(
        "soft",
        "masks in the masker's losses: soft; binary, with the gradient of the soft mask; or hardened, which is almost binary "
        "with a random threshold for each image. L_egl and the evaluation take soft masks",
        "the paper has soft masks",
    )
    reference: Literal["zero", "blur", "noise", "batch"] = declared(
        "zero",
        "what replaces hidden pixels: zero (ImageNet's mean colour), the blurred image, noise, or another image of the batch",
        "the paper writes x ⊙ M",
    )
    distinction: Literal["probability", "log_odds"] = declared(
        "probability",
        "L_dist: the paper's form, or −0.3 (log p_y(kept) + log(1 − p_y(removed))), which has a slope where p_y is near 0 or 1",
        "the paper's form",
    )
    mask_sparsity: Literal["fixed", "target_area", "adaptive"] = declared(
        "fixed",
        "L_sparsity: ‖M‖₁ (fixed); the distance of each mask's area to target_area; or ‖M‖₁ times the attained fraction of the "
        "attainable dist (adaptive), so that a mask does not shrink before it has found the object",
        "the paper has ‖M‖₁; the others are ours, for its open question of fine detail",
    )
    target_area: float = declared(
        0.2, "area of a mask that mask_sparsity: target_area aims at", "between that of a digit and that of a VOC box", gt=0, lt=1
    )
    even_classes: bool = declared(
        False,
        "whether every class of a batch has the same weight in the masker's losses",
        "the paper does not mention such weights",
    )

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return the origin of the given masks. None if the masker needs no given masks."""
        return self.masker if self.masker in ("ground_truth", "folder", "sam", "salient_object") else None

    @property
    def compares_cells(self) -> bool:
        """Return whether L_egl or L_reg is about a map of the size of the last feature map."""
        return self.regularises_cells or (self.lambda3 > 0 and self.attribution in AT_LAST_MAP)

    @property
    def regularises_cells(self) -> bool:
        """Return whether L_reg is about such a map."""
        return self.lambda4 > 0 and super().compares_cells

    @property
    def uses_masks(self) -> bool:
        """Return whether the warm-up ends, and masks are used after it. There must be guidance."""
        return self.lambda3 > 0

    @property
    def learns_masks(self) -> bool:
        """Return whether a masker is trained. Masks must be used, and they must be learned."""
        return self.masker == "learned" and self.uses_masks

    @property
    def implementations(self) -> tuple[str, ...]:
        """Return the attribution of L_egl."""
        return (ATTRIBUTIONS[self.attribution],)

    @model_validator(mode="after")
    def _room_for_collapse(self) -> Self:
        if self.masker_steps_at_most < self.masker_steps:
            raise ValueError(
                f"masker_steps_at_most is {self.masker_steps_at_most}, expected at least {self.masker_steps}, as masker_steps"
            )
        return self


def _with_default(name: str, default: Any, because: str, page: str = "masker_study") -> Any:
    """Return ALIGN's field ``name`` with another default, the reason for it, and the page of ``docs`` that says more."""
    field, reason = ALIGNSettings.model_fields[name], {"because": f"{because}: docs/{page}.md"}
    return FieldInfo.merge_field_infos(field, default=default, json_schema_extra=reason)


class ALIGNPlusSettings(ALIGNSettings):
    """ALIGN with a masker that finds objects in photographs. It is this project's, not the paper's."""

    lambda2: float = _with_default("lambda2", 0.1, "from a first study of photographs; not searched")
    masker_steps: int = _with_default("masker_steps", 300, "hardened masks need more steps; not searched")
    masker_input: Literal["pixels", "features"] = _with_default("masker_input", "features", "better dist on photographs")
    mask_values: Literal["soft", "binary", "hardened"] = _with_default(
        "mask_values", "hardened", "no worse than soft masks, and clearer"
    )
    reference: Literal["zero", "blur", "noise", "batch"] = _with_default(
        "reference", "noise", "better dist on photographs, with both seeds"
    )


BackgroundName = Literal["normal", "uniform", "colour", "patches", "emptied", "convolved"]


class ALIGNSwapSettings(ALIGNPlusSettings):
    """ALIGN-plus whose mask is also used on the image. It is this project's, not the paper's. See docs/align_swap.md."""

    lambda4: float = _with_default("lambda4", 0.0, "a step then costs no more than one of ALIGN", "align_swap")
    batch_norm: Literal["auto", "frozen", "trained"] = _with_default(
        "batch_norm", "trained", "with ImageNet's statistics, rare classes of photographs are lost", "align_swap"
    )
    regulariser: Literal["dre", "sgt"] = Field(
        "dre",
        description="L_reg, which λ₄ weighs: DRE's three terms; or, for a control, the consistency of SGT with SGT's defaults",
    )
    swap_consistency: float = declared(1.0, "α: weight of KL(f(x) ‖ f(x̃))", "SGT's weight of the same term", ge=0)
    swap_classification: float = declared(1.0, "β: weight of CE(f(x̃))", "not searched", ge=0)
    swap_share: float = declared(1.0, "q: share of the batch that is swapped, after its rise", "not searched", ge=0, le=1)
    swap_rise: float = declared(0.25, "share of the guided epochs in which q rises from 0", "not searched", ge=0, lt=1)
    swap_values: Literal["soft", "binary"] = declared(
        "binary", "masks that the swap keeps: soft, or cut at 0.5", "the criterion of docs/align_swap.md"
    )
    swap_mask: Literal["own", "permuted", "centre", "gradient", "whole"] = Field(
        "own",
        description="whose mask the swap keeps: the image's own; a control of the same area: another image's (permuted), a disc "
        "in the centre, or the pixels of the highest gradient; or a random grey all over (whole)",
    )
    backgrounds: tuple[BackgroundName, ...] = declared(
        ("uniform", "normal", "patches"),
        "kinds of noise in B, of which each image gets one",
        "the criterion of docs/align_swap.md, among five variants",
        min_length=1,
    )
    context: Literal["measured"] | Share = declared(
        "measured",
        "c: probability that B is the emptied image of another object of the same class, and no noise; measured says how much of "
        "the class the background of a validation image shows, after every epoch",
        "in photographs the background is evidence, and on the digits it is not",
    )
    masker_every: int = declared(
        2,
        "number of guided steps after which the masker takes one",
        "with 1 a step of a small network costs more than 3.7 of ERM's",
        ge=1,
    )

    @property
    def regularises_cells(self) -> bool:
        """Return whether L_reg is about a map of the size of the last feature map. SGT's term is about no map."""
        return self.regulariser == "dre" and super().regularises_cells

    @property
    def uses_masks(self) -> bool:
        """Return True: swapping needs masks, even without guidance."""
        return True

    @model_validator(mode="after")
    def _weighed_regulariser(self) -> Self:
        if self.regulariser == "sgt" and self.lambda4 == 0:
            raise ValueError("found regulariser sgt with lambda4 0, which leaves it out, expected a lambda4 above 0")
        return self


class ALIGNGateSettings(MethodSettings):
    """A mask on the feature map, at work in tests, too. It is this project's, not the paper's. See docs/align_swap.md."""

    ungated: float = declared(1.0, "β: weight of the cross-entropy without the gate", "not searched", ge=0)
    area_weight: float = declared(1.0, "λ: weight of the distance of the masks' mean area to its goal", "not searched", ge=0)
    area: float = declared(
        0.3, "a: mean area of the masks at the end", "about twice a digit's, since cells are coarse", gt=0, le=1
    )
    annealing: float = declared(0.5, "share of the epochs in which the area falls from 1 to a", "as ALIGN's warm-up", ge=0, le=1)
