"""Settings of the classifier. This module imports nothing heavy, see align.registry."""

from typing import Annotated, Literal

from pydantic import Field

from align.settings import PositiveInt, Section, declared


class ClassifierSettings(Section):
    """The network that predicts classes."""

    architecture: Literal["resnet18", "small_resnet"] = Field("resnet18", description="the paper: ResNet-18")
    weights: str | None = Field(
        "IMAGENET1K_V1", description="a torchvision name, a file with a state dict, or none; the paper: ImageNet weights"
    )
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=2)] = declared(
        (16, 32, 64), "channels of small_resnet's stages", "for the embedded benchmark only"
    )
