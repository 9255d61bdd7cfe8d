"""Measure what this project promises of its speed; `make bench` writes results/performance.csv and prints it."""

from pathlib import Path

import pandas as pd
import torch

from align.configuration.schema import Classifier
from align.files import whole_file
from align.provenance import git_revision
from benchmarks.data import data
from benchmarks.dry_run import dry_run
from benchmarks.evaluation import evaluation
from benchmarks.saliency_maps import saliency_maps
from benchmarks.training_steps import training_steps

SMALL = Classifier(architecture="small_resnet", weights=None)
RESNET18 = Classifier(architecture="resnet18", weights=None)


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size, batch_size, rounds = (224, 64, 30) if device.type == "cuda" else (128, 16, 7)
    table = pd.concat(
        [
            training_steps(RESNET18, size, batch_size, rounds, device),
            training_steps(SMALL, 48, 32, 30, device),
            saliency_maps(RESNET18, size, batch_size, rounds, device),
            saliency_maps(SMALL, 48, 64, 30, device),
            evaluation(device),
            data(),
            dry_run(),
        ]
    )
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, one thread"
    table = table.assign(device=name, torch=torch.__version__, git_revision=git_revision())
    with whole_file(Path("results/performance.csv")) as partial:
        table.to_csv(partial, index=False, float_format="%.4g")
    print(table.drop(columns=["device", "torch", "git_revision"]).round(4).to_string(index=False))
    print(f"on {name}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
