"""Settings of the splits. This module imports nothing heavy, see align.registry."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from align.settings import ProperShare, Section, Seed, declared


class SplitSettings(Section):
    """The share of each split, in each class of each domain."""

    train: ProperShare = declared(0.6, "share of the images to train on", "not published; 60/20/20 leaves enough to test on")
    validation: ProperShare = declared(0.2, "share of the images to select the checkpoint on", "as for the training share")
    test: Annotated[float, Field(ge=0, lt=1)] = declared(
        0.2,
        "share of the images to test on; with 0, a run is tested on the validation splits of its source domains, and on the "
        "images of other domains that evaluation.target_part names. DRE and DomainBed have 0.8, 0.2, 0, JiGen 0.63, 0.07, 0.3",
        "as for the training share",
    )
    seed: Seed = declared(0, "seed of the split, the same for all runs", "all methods and seeds are compared on the same images")

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + validation + test is {total:g}, expected 1")
        return self
