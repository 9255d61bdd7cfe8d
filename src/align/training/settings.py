"""Settings of the training loop and of how runs are computed. This module imports nothing heavy, see align.registry."""

from math import cos, pi
from typing import Annotated, Literal

from pydantic import Field

from align.settings import PositiveInt, Section, Share, declared


class TrainingSettings(Section):
    """The budget and the optimiser, the same for all methods."""

    epochs: PositiveInt = declared(
        60,
        "passes over the training split",
        "not published, but the warm-up alone is 200 epochs there; DRE trains for 5,000 steps",
    )
    batch_size: Annotated[int, Field(ge=2)] = declared(32, "images per step", "not published; DRE takes 16 per domain")
    learning_rate: Annotated[float, Field(gt=0)] = declared(5e-5, "Adam's step size", "DomainBed's and DRE's")
    learning_rate_warm_up: Annotated[float, Field(ge=0, lt=1)] = declared(
        0.0,
        "share of the epochs in which the classifier's step size rises linearly to learning_rate",
        "DomainBed's and DRE's begin with the full step",
    )
    decay: Literal["none", "cosine"] = declared(
        "none",
        "course of the classifier's step size after its warm-up: constant, or half a cosine that would be 0 after the last epoch",
        "DomainBed's and DRE's are constant",
    )
    weight_decay: Annotated[float, Field(ge=0)] = declared(0.0, "Adam's weight decay", "DomainBed's and DRE's")
    precision: Literal["auto", "float32", "bfloat16"] = declared(
        "auto",
        "number format of the networks in training; auto takes bfloat16 on a GPU that has it and on a processor with AVX512_BF16 "
        "or AMX, else float32; losses and evaluation are always float32",
        "ours: faster there, and the accuracy stays within the spread of the seeds",
    )
    eligible_from: Annotated[float, Field(ge=0, lt=1)] = declared(
        0.5,
        "share of the epochs after which a checkpoint may be selected",
        "ALIGN's warm-up is then over; the rule is the same for all methods",
    )

    def share_of_rate(self, epoch: int) -> float:
        """Return the share of ``learning_rate`` that ``epoch``, counted from 1, trains with.

        It rises in equal steps in the warm-up's epochs (arXiv:1706.02677, section 2.2) and is 1 in the first epoch after them.
        Then it decays (arXiv:1608.03983, equation 5, one period).
        """
        rising = round(self.learning_rate_warm_up * self.epochs)
        if epoch <= rising:
            return epoch / (rising + 1)
        past = (epoch - 1 - rising) / (self.epochs - rising)
        return 1.0 if self.decay == "none" else (1 + cos(pi * past)) / 2


class EngineSettings(Section):
    """How runs are computed. Apart from rounding, no number depends on these settings."""

    compile: Literal["none", "default", "reduce-overhead"] = Field(
        "none", description="mode in which torch.compile compiles the backbone for training; reduce-overhead uses CUDA graphs"
    )
    cudnn_trials: bool = Field(
        True,
        description="whether cuDNN tries its algorithms at each new shape on a GPU and keeps the fastest; without, a run of "
        "seconds does not wait for the trials",
    )
    memory_share: Share = Field(
        0.4,
        description="share of a GPU's free memory that a split may take; a larger split stays on the host and is streamed; if k "
        "runs share a GPU, set at most 0.8/k",
    )
    runs_per_gpu: PositiveInt = Field(
        1,
        description="number of runs that may share a GPU; on a machine with k GPUs, --resources gpu=<k times this number> starts "
        "as many jobs, each on the GPU with the fewest runs",
    )
    save_every: Annotated[float, Field(ge=0)] = Field(
        30.0,
        description="seconds after which the state of a run is saved again, so that an interrupted run can go on; longer if "
        "saving would take more than 2 % of the time",
    )
