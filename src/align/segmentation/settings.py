"""Settings of networks that segment. This module imports nothing heavy, see align.registry."""

from pydantic import Field

from align.settings import PositiveInt, Section, Share, UserPath, declared


class SegmentAnythingSettings(Section):
    """Segment Anything (arXiv:2304.02643), prompted at a grid of points. It makes the masks of ``masker: sam``."""

    checkpoint: UserPath | None = Field(
        None, description="folder of a SamModel as the transformers library saves it; without it, runs that need it are left out"
    )
    points_per_side: PositiveInt = declared(32, "points of the grid along each side", "the authors' code")
    points_per_batch: PositiveInt = Field(64, description="points that are prompted at once; fewer need less memory")
    predicted_iou: Share = declared(0.88, "masks with no higher predicted IoU are dropped", "the authors' code")
    stability: Share = declared(
        0.95,
        "masks that keep no larger share of their area when their threshold moves by ±1 are dropped",
        "the authors' code",
    )
    largest_area: Share = declared(
        0.7,
        "masks that cover a larger share of the image are background; the union of all others is the foreground",
        "the paper gives none; an object seen from close by fills more than half",
    )
    largest_border: Share = declared(
        0.3,
        "masks that cover a larger share of the image's outermost pixels are background",
        "an object may be cut off along one side, which has a quarter of these pixels",
    )


class SalientObjectSettings(Section):
    """A network that finds the salient object of any image. It makes the masks of ``masker: salient_object``."""

    model: UserPath | None = Field(None, description="an ONNX file such as U²-Net's; without it, runs that need it are left out")
