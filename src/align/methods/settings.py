"""The hyper-parameters of every method, with where each value comes from. Imports no torch: see align.registry."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from align.attribution import ATTRIBUTIONS
from align.registry import require
from align.settings import Section, declared

GivenMasks = Literal["ground_truth", "sam", "learned"]
Attribution = Annotated[str, AfterValidator(lambda name: require("attribution", name, ATTRIBUTIONS))]


class MethodSettings(Section):
    """The hyper-parameters of a method, and what it needs; a method without any has this."""

    several_sources: ClassVar[bool] = False  # whether it compares source domains with each other

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return whose masks the method is given with the images: the data set's, Segment Anything's or ALIGN's; None: none."""
        return None

    @property
    def mask_teacher(self) -> str | None:
        """Return the method whose finished run, of the same domain and seed, makes the given masks that are ``learned``."""
        return None

    @property
    def implementations(self) -> tuple[str, ...]:
        """Return, as ``module:attribute``, what the method loads by a name among these settings: its results depend on it."""
        return ()


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


class MixupSettings(MethodSettings):
    """Mixup (arXiv:1710.09412)."""

    beta: float = declared(0.2, "parameter of Beta(β, β), which gives the mixing ratio", "DomainBed's", gt=0)


class RSCSettings(MethodSettings):
    """Representation self-challenging (arXiv:2007.02454)."""

    feature_share: float = declared(1 / 3, "share of an image's features that are muted", "DomainBed's", gt=0, lt=1)
    batch_share: float = declared(
        1 / 3, "share of the batch that is muted, the images whose confidence drops most", "DomainBed's", gt=0, le=1
    )
    muted: Literal["channels", "channels_or_positions"] = declared(
        "channels",
        "what is muted of the last feature map: channels, or for each batch by chance channels or positions (the authors' code)",
        "DomainBed's, whose numbers on VLCS and Terra Incognita are the published ones",
    )


class CGCSettings(MethodSettings):
    """Contrastive Grad-CAM consistency (arXiv:2110.00527)."""

    contrast: float = declared(0.5, "weight of the InfoNCE loss of the maps", "the authors' README", ge=0)
    temperature: float = declared(0.5, "temperature of the InfoNCE loss", "the authors' README", gt=0)
    smallest_crop: float = declared(0.08, "least share of the area that the crop keeps", "the authors' code", gt=0, le=1)
    flip: float = declared(0.5, "probability that the crop is mirrored", "the authors' code", ge=0, le=1)


class IRMSettings(MethodSettings):
    """Invariant risk minimisation (arXiv:1907.02893)."""

    several_sources: ClassVar[bool] = True

    penalty: float = declared(100.0, "weight of the invariance penalty after the annealing steps", "DomainBed's", ge=0)
    annealing_steps: int = declared(500, "steps at the start in which the penalty has weight 1", "DomainBed's", ge=0)


class GroupDROSettings(MethodSettings):
    """Group distributionally robust optimisation (arXiv:1911.08731)."""

    several_sources: ClassVar[bool] = True

    step_size: float = declared(0.01, "η: step size of the domains' weights", "DomainBed's", ge=0)


class MaskedERMSettings(MethodSettings):
    """ERM on images whose background is blurred: the paper's first study, of which it publishes none of these values."""

    mask: Literal["none", "ground_truth", "sam", "learned", "grey", "random", "centre"] = Field(
        "ground_truth", description="what stays sharp: everything, or what these masks keep: given ones or align's controls"
    )
    teacher: Literal["align", "align-plus"] = Field(
        "align", description="for mask: learned, whose masks: those of its finished run of the same domain and seed"
    )
    blur: float = declared(21.0, "σ of the background's blur, for 224 pixels", "leaves a scene's light, no shapes", gt=0)
    degradation: Literal["none", "eroded", "dilated", "shifted", "random"] = declared(
        "none",
        "how masks are made worse, in training and when tested: smaller; larger; moved, each image's in its own direction; or in "
        "some squares sharp or blurred at random. What is random is a function of the pixels: the same in every test, another "
        "for each augmentation in training",
        "the paper does not say how its masks are poor",
    )
    degree: float = declared(
        0.0, "how far masks are degraded: a share of the side, for random of the area", "0: masks as they are", ge=0, le=1
    )

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return whose masks are given with the images, None where they are computed."""
        return self.mask if self.mask in ("ground_truth", "sam", "learned") else None

    @property
    def mask_teacher(self) -> str | None:
        """Return the method whose finished run makes the given masks."""
        return self.teacher if self.mask == "learned" else None

    @property
    def implementations(self) -> tuple[str, ...]:
        """Return where the masks of a finished run are made."""
        return ("align.training.teacher:with_learned_masks",) if self.mask == "learned" else ()

    @model_validator(mode="after")
    def _degraded_by_something(self) -> Self:
        if (self.degradation == "none") != (self.degree == 0) or (self.mask == "none" and self.degree):
            raise ValueError(
                f"found mask {self.mask}, degradation {self.degradation} and degree {self.degree:g}, expected a mask and a "
                "degradation by a degree above 0, or none by 0"
            )
        return self
