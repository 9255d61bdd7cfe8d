"""What can be set of the evaluation. Imports nothing heavy: see align.registry."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from align.attribution import ATTRIBUTIONS
from align.metrics import METRICS
from align.registry import require
from align.settings import PositiveInt, Section, declared


class EvaluationSettings(Section):
    """What is measured on test images."""

    metrics: tuple[str, ...] = Field(tuple(METRICS), min_length=1, description="names of metrics; default: all")
    attribution: str = Field("grad_cam", description="the saliency map that is judged; the paper: Grad-CAM")
    batch_size: PositiveInt = Field(256, description="images that are predicted at once; fewer need less memory")
    removed_shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = declared(
        (0.01, 0.05, 0.1, 0.2, 0.5), "shares of pixels of sufficiency and comprehensiveness", "ERASER (arXiv:1911.03429)"
    )
    curve_steps: Annotated[int, Field(ge=2)] = declared(
        28, "steps of the insertion and deletion curves", "DRE: 224 · 8 pixels of 224²"
    )
    blur: Annotated[float, Field(gt=0)] = declared(
        5.0,
        "σ of the insertion curve's blurred start, for 224 pixels; the window has 2σ + 1 pixels a side",
        "RISE's and DRE's code",
    )
    target_part: Literal["all", "train"] = declared(
        "all",
        "where there is no test split: on which images of a domain that was not trained on a run is tested, on all or on its "
        "training split",
        "DRE tests on all; DomainBed on the training split, 80 % of the domain",
    )
    images_per_target: PositiveInt | None = Field(
        None, description="faithfulness metrics on so many evenly drawn test images of a target; none: on all"
    )

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for metric in self.metrics:
            require("metric", metric, METRICS)
        require("attribution", self.attribution, ATTRIBUTIONS)
        return self
