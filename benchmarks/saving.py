"""Saves the state of a run, from which the run goes on after an interruption."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from align.augmentation.settings import AugmentationSettings
from align.training.batches import TrainingBatches
from align.training.settings import EngineSettings
from align.training.state import SHARE, resumable
from align.training.trainer import Progress, State
from benchmarks.setting import Setting
from benchmarks.timing import interleaved, table, with_goals

EVERY = EngineSettings().save_every  # seconds


def saving(setting: Setting, rounds: int) -> pd.DataFrame:
    """Return a row for ERM and one for ALIGN: seconds to save, and as ``ratio`` their share of time at the default interval."""
    with TemporaryDirectory() as folder, resumable(Path(folder), {}, EVERY) as state:
        contenders = {name: partial(state.save, _state_of_a_run(setting, name)) for name in ("erm", "align")}
        rows = table("saving the state", setting.columns, setting.batch_size, interleaved(contenders, rounds), "erm")
    shares = rows["seconds"] / (EVERY + rows["seconds"])
    return with_goals(rows.assign(ratio=shares).drop(columns="per_second"), dict.fromkeys(contenders, SHARE), "ratio")


def _state_of_a_run(setting: Setting, name: str) -> State:
    """Return the state after a step. It holds the networks of an epoch that would be selected."""
    method = setting.method(name)
    method.step(setting.batch())
    networks = {key: {k: v.clone() for k, v in network.state_dict().items()} for key, network in method.networks.items()}
    generator = torch.Generator(setting.device)
    batches = TrainingBatches(setting.split(setting.batch_size), setting.batch_size, AugmentationSettings(), generator)
    progress = Progress(best=(0.5, 1, method.phase, networks))
    return {"progress": progress.state_dict(), "method": method.state_dict(), "batches": batches.state_dict()}
