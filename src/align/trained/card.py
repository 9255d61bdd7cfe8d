"""The model card of an exported model, in the format of the Hugging Face hub: what it is, how good it is, and its limits."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from align import paths
from align.files import read_json, whole_file
from align.methods.naming import method_title
from align.metrics import MEASURES
from align.results.collect import read_results
from align.trained.model import ACCOUNT, Model

CARD = "README.md"
SHOWN = ("accuracy", "macro_accuracy", "auc", "sufficiency", "comprehensiveness", "insertion_auc", "pointing_game")
PAPER = "https://arxiv.org/abs/2511.06944"
LIMITS = [
    "- Any image gets one of the classes, also one that shows none of them.",
    "- Images that differ from the training images can be classified much worse than the numbers above.",
    "- Probabilities were not calibrated.",
]
PLACES = {"in": "in distribution", "out": "out of distribution"}


def write_card(model: Model, files: Sequence[Path], out: Path) -> Path:
    """Write ``README.md`` beside the exported ``files``."""
    with whole_file(out / CARD) as partial:
        partial.write_text(str(model_card(model, [file.name for file in files])), encoding="utf-8")
    return out / CARD


def model_card(model: Model, files: Sequence[str]) -> ModelCard:
    """Return the card: data, method, settings, results, limits, licence, and how to use each of ``files``."""
    account = _account(model)
    settings = account.get("settings", {})
    dataset, domain = settings.get("dataset", "unknown"), settings.get("domain", "unknown")
    measured = list(_measured(model, domain))
    data = ModelCardData(
        model_name=f"{method_title(model.name)} on {dataset}, {domain}",
        license="other",
        license_name="that of the training images",
        library_name="onnx" if "classifier.onnx" in files else "torch",
        pipeline_tag="image-classification",
        tags=["explanation-guided-learning", model.name],
        eval_results=[
            EvalResult(
                task_type="image-classification",
                dataset_type=dataset,
                dataset_name=f"{dataset}, {target} ({PLACES[distribution]})",
                dataset_config=target,
                metric_type=metric,
                metric_name=MEASURES[metric].title,
                metric_value=round(value, 4),
            )
            for target, distribution, metric, value in measured
        ],
    )
    parts = [
        f"# {data.model_name}",
        f"An image classifier for {len(model.classes)} classes, trained with {method_title(model.name)}, from a reproduction of "
        f"[ALIGN]({PAPER}).",
        "## Use",
        *_use(model, files),
        "## Training data",
        f"- Data set {dataset}, domain {domain}.\n"
        f"- Protocol {settings.get('protocol', 'unknown')}, seed {settings.get('seed', 'unknown')}.\n"
        f"- Classes: {', '.join(model.classes)}.\n"
        f"- Images are {model.view.size} pixels a side ({model.view.resize}).",
        "## Results",
        _results(measured) if measured else "The run was not evaluated where this card was made.",
        "## Settings",
        "`model.json` has every setting of the run.",
        *_provenance(account),
        "## Limits",
        "\n".join(LIMITS + [f"- The run reported a failure: {name}." for name in _failures(account)]),
        "## Licence",
        "The code is under the MIT licence. The weights were learned from the images of the data set, and from the initial "
        "weights if there were any. Their terms apply; ask those who publish them.",
    ]
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(parts) + "\n")


def _use(model: Model, files: Sequence[str]) -> Iterator[str]:
    """Yield what a user of each of ``files`` has to write, as paragraphs."""
    size, view = model.view.size, model.view.record()
    if "classifier.onnx" in files:
        yield f"""\
```python
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("classifier.onnx")
images = np.zeros((1, 3, {size}, {size}), np.float32)  # RGB in [0, 1]; the normalisation is part of the file
(logits,) = session.run(None, {{"images": images}})
```"""
    if "masker.onnx" in files:
        yield "`masker.onnx` takes the same images and gives soft masks N×1×S×S in [0, 1]."
    if "resnet18.pth" in files:
        yield f"""\
```python
import torch, torchvision
network = torchvision.models.resnet18(num_classes={len(model.classes)})
network.load_state_dict(torch.load("resnet18.pth", weights_only=True))
logits = network.eval()(torch.zeros(1, 3, {size}, {size}))
```"""
        yield f"It takes RGB in [0, 1], less {view['mean']}, divided by {view['standard_deviation']}."


def _results(measured: Sequence[tuple[str, str, str, float]]) -> str:
    rows = [
        f"| {target} ({PLACES[distribution]}) | {MEASURES[metric].title} | {format(value, MEASURES[metric].number_format)} |"
        for target, distribution, metric, value in measured
    ]
    return "\n".join(["| Test images | Measure | Value |", "| --- | --- | --- |", *rows])


def _measured(model: Model, domain: str) -> Iterator[tuple[str, str, str, float]]:
    """Yield target domain, ``in`` or ``out``, metric and value of the evaluation of the run, if it lies beside the run."""
    parts = model.folder.resolve().parts
    if Path(paths.RUNS).name not in parts:
        return
    position = len(parts) - 1 - parts[::-1].index(Path(paths.RUNS).name)
    evaluations = Path(*parts[:position], Path(paths.EVALUATIONS).name, *parts[position + 1 :])
    for file in sorted(evaluations.glob(f"*/{Path(paths.RUN_METRICS).name}"))[:1]:
        for row in read_results(file).dropna(subset="value").to_dict("records"):
            if row["metric"] in SHOWN:
                yield row["target_domain"], "in" if row["target_domain"] == domain else "out", row["metric"], row["value"]


def _provenance(account: dict[str, Any]) -> Iterator[str]:
    if account:
        versions = ", ".join(f"{name} {version}" for name, version in account.get("versions", {}).items())
        yield (
            f"Trained on {account.get('device', 'an unknown device')} in {account.get('precision', 'unknown precision')}, "
            f"revision {account.get('git_revision') or 'unknown'}, with {versions}."
        )


def _failures(account: dict[str, Any]) -> Iterator[str]:
    for failure in account.get("failures", []):
        yield f"{failure['name']} in epoch {failure['epoch']} ({failure['detail']})"


def _account(model: Model) -> dict[str, Any]:
    path = model.folder / ACCOUNT
    return dict(read_json(path)) if path.is_file() else {}
