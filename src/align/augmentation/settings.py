"""Settings of the augmentation. This module imports nothing heavy, see align.registry."""

from pydantic import field_validator

from align.settings import Section, Share, declared


class AugmentationSettings(Section):
    """Random changes of training images. All methods share them; images to test on are not changed."""

    crop_scale: tuple[Share, Share] = declared((0.7, 1.0), "share of the area that a random crop keeps", "DomainBed's and DRE's")
    crop_ratio: tuple[float, float] = declared((3 / 4, 4 / 3), "width over height of a random crop", "torchvision's default")
    flip: Share = declared(0.5, "probability of a horizontal flip", "DomainBed's and DRE's")
    jitter: Share = declared(
        0.3, "strength of brightness, contrast, saturation and (at most 0.5) hue jitter", "DomainBed's and DRE's"
    )
    grey: Share = declared(0.1, "probability of grey", "DomainBed's and DRE's")

    @field_validator("crop_scale", "crop_ratio")
    @classmethod
    def _ordered(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if not 0 < bounds[0] <= bounds[1]:
            raise ValueError(f"found {bounds[0]:g} to {bounds[1]:g}, expected a positive number and one that is not smaller")
        return bounds
