"""The hyper-parameters of every method but ALIGN, each with the source of its value. Imports no torch, see align.registry."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from align.attribution import ATTRIBUTIONS
from align.registry import require
from align.settings import Section, declared

GivenMasks = Literal["ground_truth", "folder", "sam", "salient_object", "learned"]
LEARNED_MASKS = "align.training.teacher:with_learned_masks"
"""The function that makes given masks with a finished run."""

Attribution = Annotated[str, AfterValidator(lambda name: require("attribution", name, ATTRIBUTIONS))]


class MethodSettings(Section):
    """The hyper-parameters of a method, and what it needs. A method without hyper-parameters has this class.

    Attributes:
        several_sources: whether the method compares source domains, so that it needs two or more.
    """

    several_sources: ClassVar[bool] = False

    learning_rate: float | None = Field(
        None, description="Adam's step size for this method's classifier; by default training.learning_rate", gt=0
    )

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return the origin of the masks that the method is given with the images. None if it is given no masks."""
        return None

    @property
    def compares_cells(self) -> bool:
        """Return whether a loss term compares cells of the last feature map. If there is one cell, the term does nothing."""
        return False

    @property
    def mask_teacher(self) -> str | None:
        """Return the method that makes the ``learned`` given masks. Its run has the same domain and seed, and has finished."""
        return None

    @property
    def implementations(self) -> tuple[str, ...]:
        """Return, as ``module:attribute``, what the settings name besides the method. The method's results depend on it."""
        return ()


class ViewSettings(MethodSettings):
    """What methods share that show the classifier several views of a batch, such as clean and changed images."""

    forward_passes: Literal["separate", "shared"] = declared(
        "separate",
        "whether each view has a forward pass of its own, or all share one, where batch normalisation sees all views together",
        "the authors' code",
    )


class SGTSettings(ViewSettings):
    """Saliency-guided training (arXiv:2111.14338)."""

    masked_fraction: float = declared(
        0.5, "share of the pixels that noise replaces: those with the lowest gradient", "the authors' README", gt=0, lt=1
    )
    consistency: float = declared(1.0, "weight of KL(f(x) ‖ f(x̃))", "the authors' code", ge=0)


class DRESettings(ViewSettings):
    """Distributionally robust explanations (arXiv:2303.16390). ALIGN has these settings too: DRE's loss is its base."""

    consistency: float = declared(1.0, "weight of the L1 distance between mixed and mixture maps", "the authors' code", ge=0)
    sparsity: float = declared(0.5, "weight of the L1 norm of Grad-CAM's maps", "the authors' code", ge=0)
    mixed_classification: float = declared(0.1, "weight of the cross-entropy of mixed images", "the authors' code", ge=0)
    beta: float = declared(0.2, "parameter of Beta(β, β), which gives the mixing ratio", "the authors' code", gt=0)
    sparsity_norm: Literal["mean", "authors"] = declared(
        "mean", "L1 norm of a map: the mean of its cells, or the authors' mean of column maxima", "the paper describes the mean"
    )
    detach_weights: bool = declared(True, "treat Grad-CAM's channel weights as constants", "the authors' code (captum)")
    batch_norm: Literal["auto", "frozen", "trained"] = declared(
        "auto",
        "the statistics of batch normalisation: frozen as they are at the start; trained, those of each batch; or auto, which "
        "freezes those that come with initial weights",
        "the authors' code freezes those of ImageNet; a random network has none to keep",
    )

    @property
    def compares_cells(self) -> bool:
        """Return whether a term is about Grad-CAM's map."""
        return self.consistency > 0 or self.sparsity > 0


class MixupSettings(ViewSettings):
    """Mixup (arXiv:1710.09412)."""

    beta: float = declared(0.2, "parameter of Beta(β, β), which gives the mixing ratio", "DomainBed's", gt=0)


class RSCSettings(MethodSettings):
    """Representation self-challenging (arXiv:2007.02454)."""

    feature_share: float = declared(1 / 3, "share of an image's features that are muted", "DomainBed's", gt=0, lt=1)
    batch_share: float = declared(
        1 / 3,
        "share of the batch whose features are muted: the images whose confidence drops most",
        "DomainBed's",
        gt=0,
        le=1,
    )
    muted: Literal["channels", "channels_or_positions"] = declared(
        "channels",
        "what is muted in the last feature map: channels, or at random channels or positions for each batch (the authors' code)",
        "DomainBed's; the published numbers on VLCS and Terra Incognita are from DomainBed",
    )

    @property
    def compares_cells(self) -> bool:
        """Return whether positions are muted."""
        return self.muted == "channels_or_positions"


class CGCSettings(ViewSettings):
    """Contrastive Grad-CAM consistency (arXiv:2110.00527)."""

    contrast: float = declared(0.5, "weight of the InfoNCE loss of the maps", "the authors' README", ge=0)
    temperature: float = declared(0.5, "temperature of the InfoNCE loss", "the authors' README", gt=0)
    smallest_crop: float = declared(0.08, "least share of the image's area in a crop", "the authors' code", gt=0, le=1)
    flip: float = declared(0.5, "probability that the crop is mirrored", "the authors' code", ge=0, le=1)

    @property
    def compares_cells(self) -> bool:
        """Return whether Grad-CAM's maps are contrasted."""
        return self.contrast > 0


class IRMSettings(MethodSettings):
    """Invariant risk minimisation (arXiv:1907.02893)."""

    several_sources: ClassVar[bool] = True

    penalty: float = declared(100.0, "weight of the invariance penalty after the annealing steps", "DomainBed's", ge=0)
    annealing_steps: int = declared(500, "number of first steps, in which the penalty has weight 1", "DomainBed's", ge=0)


class GroupDROSettings(ViewSettings):
    """Group distributionally robust optimisation (arXiv:1911.08731)."""

    several_sources: ClassVar[bool] = True

    step_size: float = declared(0.01, "η: step size of the domains' weights", "DomainBed's", ge=0)


class MaskedERMSettings(MethodSettings):
    """ERM on images with a blurred background: the paper's first study. The paper publishes none of these values."""

    mask: Literal["none", "ground_truth", "folder", "sam", "salient_object", "learned", "grey", "random", "centre"] = Field(
        "ground_truth", description="the masks inside which an image stays sharp; with none, all of it stays sharp"
    )
    teacher: Literal["align", "align-plus"] = Field(
        "align", description="with mask: learned, the method whose finished run of the same domain and seed makes the masks"
    )
    blur: float = declared(
        21.0, "σ of the background's blur, in pixels of a 224-pixel image", "keeps the light of a scene, but no shapes", gt=0
    )
    degradation: Literal["none", "eroded", "dilated", "shifted", "random"] = declared(
        "none",
        "how masks are made worse, in training and in tests: eroded; dilated; shifted, for each image in its own direction; or "
        "random, where some squares become object or background at random. Random numbers are computed from the pixels, so they "
        "are the same in every test, and change with each augmentation in training",
        "the paper does not say how its poor masks were made",
    )
    degree: float = declared(
        0.0,
        "strength of the degradation: a share of the side; for random, a share of the area",
        "with 0, masks are not changed",
        ge=0,
        le=1,
    )

    @property
    def given_masks(self) -> GivenMasks | None:
        """Return the origin of the given masks. None if the masks are computed from the images."""
        return self.mask if self.mask in ("ground_truth", "folder", "sam", "salient_object", "learned") else None

    @property
    def mask_teacher(self) -> str | None:
        """Return the method whose finished run makes the given masks."""
        return self.teacher if self.mask == "learned" else None

    @property
    def implementations(self) -> tuple[str, ...]:
        """Return the function that makes masks with a finished run, if the masks are learned."""
        return (LEARNED_MASKS,) if self.mask == "learned" else ()

    @model_validator(mode="after")
    def _degraded_by_something(self) -> Self:
        if (self.degradation == "none") != (self.degree == 0) or (self.mask == "none" and self.degree):
            raise ValueError(
                f"found mask {self.mask}, degradation {self.degradation} and degree {self.degree:g}, expected a mask and a "
                "degradation with a degree above 0, or degradation none with degree 0"
            )
        return self
