"""What can be set of the training loop, and of how runs are computed. Imports nothing heavy: see align.registry."""

from typing import Annotated, Literal

from pydantic import Field

from align.settings import PositiveInt, Section, Share, declared


class TrainingSettings(Section):
    """The budget and the optimiser, the same for all methods."""

    epochs: PositiveInt = declared(60, "passes over the training split", "not published; DRE trains 5,000 steps")
    batch_size: Annotated[int, Field(ge=2)] = declared(32, "images per step", "not published; DRE: 16 per domain")
    learning_rate: Annotated[float, Field(gt=0)] = declared(5e-5, "Adam's step size", "DomainBed's and DRE's")
    weight_decay: Annotated[float, Field(ge=0)] = declared(0.0, "Adam's weight decay", "DomainBed's and DRE's")
    precision: Literal["auto", "float32", "bfloat16"] = declared(
        "auto",
        "what the networks compute in; losses are float32; auto: bfloat16 on a GPU that has it, else float32",
        "a GPU's fast arithmetic",
    )
    eligible_from: Annotated[float, Field(ge=0, lt=1)] = declared(
        0.5,
        "share of the epochs after which a checkpoint may be selected",
        "ALIGN's warm-up is over by then, and every method is selected alike",
    )


class EngineSettings(Section):
    """How runs are computed; beyond rounding, no number depends on it."""

    compile: Literal["none", "default", "reduce-overhead"] = Field(
        "none", description="torch.compile of the backbone in training; reduce-overhead: with CUDA graphs"
    )
    memory_share: Share = Field(
        0.4,
        description="of a GPU's free memory, what a split may take to stay there; a larger one is streamed from the host; "
        "where k runs share a GPU, at most 0.8/k",
    )
    runs_per_gpu: PositiveInt = Field(
        1,
        description="runs that may share a GPU; with k GPUs on a machine, --resources gpu=<k times that> starts so many jobs, "
        "each on the GPU on which the fewest run",
    )
    save_every: Annotated[float, Field(ge=0)] = Field(
        30.0,
        description="seconds after which a run's state is saved again, to be gone on from after an interruption; later where "
        "saving would take more than 2 % of the time",
    )
