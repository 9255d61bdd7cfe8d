"""One training step of every method, against ERM's: ratios, beside the goal and the bound given by arithmetic alone."""

import pandas as pd
import torch

from align.configuration.schema import Classifier, Training
from align.methods import METHODS
from align.methods.base import Batch, Method
from align.models.classifier import build_classifier
from align.registry import load
from benchmarks.timing import interleaved, table

# A forward pass, a backward pass to the input and one to the weights cost one unit each; ERM takes 3.
BOUNDS = {"erm": 3 / 3, "sgt": 8 / 3, "dre": 6 / 3, "align": 10 / 3}
GOALS = {"erm": 1.0, "sgt": 2.8, "dre": 2.2, "align": 3.7}


def training_steps(classifier: Classifier, size: int, batch_size: int, rounds: int, device: torch.device) -> pd.DataFrame:
    """Return a row per method: seconds per step, images/s, ratio to ERM, bound and goal; ALIGN is measured while guided."""
    images = torch.randn((batch_size, 3, size, size), device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(batch_size, device=device) % 5

    def build(name: str) -> Method:
        network = (
            build_classifier(classifier, 5, torch.Generator().manual_seed(0)).to(device).to(memory_format=torch.channels_last)
        )
        entry = METHODS[name]
        method: Method = load(entry.implementation)(network, entry.settings(), Training(), torch.Generator(device).manual_seed(0))
        if name == "align":
            method.phase = "guided"
        return method

    methods = {name: build(name) for name in BOUNDS}
    seconds = interleaved({name: lambda m=method: m.step(Batch(images, labels)) for name, method in methods.items()}, rounds)
    measured = table("training step", classifier.architecture, size, batch_size, seconds, "erm")
    return measured.assign(bound=[BOUNDS[name] for name in seconds], goal=[GOALS[name] for name in seconds])
