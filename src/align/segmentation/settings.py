"""What can be set of Segment Anything. Imports nothing heavy: see align.registry."""

from pydantic import Field

from align.settings import PositiveInt, Section, Share, UserPath, declared


class SegmentAnythingSettings(Section):
    """What makes the masks of ``masker: sam``: Segment Anything (arXiv:2304.02643), asked at a grid of points."""

    checkpoint: UserPath | None = Field(
        None, description="folder of a SamModel as the transformers library saves it; none: runs that need it are left out"
    )
    points_per_side: PositiveInt = declared(32, "points of the grid along each side", "the authors' code")
    points_per_batch: PositiveInt = Field(64, description="points that are asked at once: for memory")
    predicted_iou: Share = declared(0.88, "masks of which the model expects no higher IoU are dropped", "the authors' code")
    stability: Share = declared(
        0.95, "masks whose area keeps no larger share when their threshold moves by ±1 are dropped", "the authors' code"
    )
    largest_area: Share = declared(
        0.7,
        "a mask of a larger share of the image is background; the union of all others is the foreground",
        "the paper says nothing; a close view fills more than half",
    )
    largest_border: Share = declared(
        0.3,
        "a mask on a larger share of the image's outermost pixels is background",
        "an object may be cut off along one side, a quarter of them",
    )
