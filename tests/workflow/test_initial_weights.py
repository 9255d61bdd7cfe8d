"""A run begins with the weights of a file, and says once what it loaded: before the first job, in its log and in run.json."""

import json
import shutil

import torch
import yaml
from conftest import PHOTOGRAPHS, only, run_snakemake
from torchvision.models import resnet18

RUN = "photographs/single_source/paris/erm/seed0"


def test_a_run_begins_with_the_weights_of_a_file(photographs_data, tmp_path, monkeypatch):
    folder = shutil.copytree(photographs_data, tmp_path / "workflow")
    monkeypatch.setenv("HOME", str(tmp_path))
    state = {f"module.{name}": tensor.half() for name, tensor in resnet18().state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "the best.PTH.tar")
    content = yaml.safe_load(PHOTOGRAPHS) | {"device": "cpu"}
    content["classifier"] = {"architecture": "resnet18", "weights": "~/the best.PTH.tar"}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    done = run_snakemake(folder, f"results/my/runs/{RUN}/checkpoint.pt", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stderr
    expected = (
        f"initial weights: {tmp_path}/the best.PTH.tar: loaded 120 of 120 tensors under 'state_dict.module.'; "
        "missing: none; ignored: state_dict.module.fc.bias, state_dict.module.fc.weight"
    )
    assert done.stderr.count(expected) == 1
    assert done.stderr.index(expected) < done.stderr.index("Training erm on photographs")
    assert only(folder, f"results/logs/train/{RUN}/*.log").read_text().count(expected) == 1
    account = json.loads(only(folder, f"results/runs/{RUN}/*/run.json").read_text())
    assert account["initial_weights"] == expected
    assert account["settings"]["classifier"]["weights"] == "~/the best.PTH.tar"
    assert f"{tmp_path}/the best.PTH.tar" in account["hashes"]["data"]
