"""What can be set of each data set source. Imports nothing heavy: see align.registry."""

from typing import Annotated

from pydantic import Field

from align.configuration.base import Section, declared


class DigitScenesSettings(Section):
    """DigitScenes, the embedded benchmark: real handwritten digits on four kinds of background."""

    seed: Annotated[int, Field(ge=0)] = 0
    image_size: Annotated[int, Field(ge=32, le=224)] = declared(48, "side of the scenes, pixels", "trains on a laptop")
    images_per_class: Annotated[int, Field(ge=3, le=1000)] = declared(200, "scenes per class and domain", "trains on a laptop")
    background_correlation: Annotated[float, Field(ge=0, le=0.3)] = declared(
        0.2, "share of the scenes whose background is fixed by their class", "above 0.3 nothing transfers to another domain"
    )
