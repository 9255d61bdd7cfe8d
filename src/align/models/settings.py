"""Settings of the classifier. This module imports nothing heavy, see align.registry."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from align.models.weights_file import TORCHVISION_NAMES
from align.settings import PositiveInt, Section, declared

EXPECTED = f"a name of torchvision's weights ({', '.join(TORCHVISION_NAMES)}), a file, or none"


class ClassifierSettings(Section):
    """The network that predicts classes."""

    architecture: Literal["resnet18", "small_resnet"] = Field("resnet18", description="the paper: ResNet-18")
    weights: str | None = Field(
        "IMAGENET1K_V1",
        description="a torchvision name, a file with a state dict, or none; the paper: ImageNet weights; small_resnet: none",
    )
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=2)] = declared(
        (8, 32, 64), "channels of small_resnet's stages", "for the embedded benchmark only"
    )

    @property
    def reduction(self) -> int:
        """Return the number of pixels on a side of one cell of the last feature map."""
        return 2 ** len(self.widths) if self.architecture == "small_resnet" else 32

    def has_one_cell(self, image_size: int) -> bool:
        """Return whether the last feature map has one cell for images of ``image_size`` pixels on a side. Stages round up."""
        return image_size <= self.reduction

    @model_validator(mode="before")
    @classmethod
    def _small_resnet_has_no_weights(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("architecture") == "small_resnet":
            return {"weights": None, **values}
        return values

    @field_validator("weights", mode="before")
    @classmethod
    def _usable_weights(cls, found: Any, info: ValidationInfo) -> str | None:
        if found is None or found == "none":
            return None
        if not isinstance(found, str) or found.strip().lower() in ("", "none", "null", "false", "true"):
            raise ValueError(f"found {found!r}, expected {EXPECTED}; for random weights write none or null")
        if info.data.get("architecture") == "small_resnet":
            raise ValueError(
                f"found {found!r} for small_resnet, which has no weights of others and begins with random ones; "
                "remove this key, or choose architecture: resnet18"
            )
        if "://" in found:
            raise ValueError(f"found the address {found}, expected {EXPECTED}; download the file and name it")
        return found
