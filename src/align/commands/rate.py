"""`align rate`: a page on which people rate masks without knowing which method made them, and what they answered."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import yaml

from align import paths
from align.configuration.loading import load
from align.configuration.run import Run
from align.errors import InputError
from align.figures.case_studies import Cases, collect_cases, explain_cases, sample_evenly
from align.files import sha256, value_hash, whole_file, write_json
from align.imaging.masks import UNKNOWN
from align.masking.fixed import random_mask
from align.methods.naming import method_title
from align.metrics.evaluate import write_csv
from align.page.explorer import data_uri
from align.page.render import render_rating
from align.preparation.packed import PackedFolders
from align.rating import CONTROL_EVERY, HIGHEST, LOWEST, QUESTIONS, RANDOM, TRUTH
from align.rating.answers import Image, Item, Key, read_ratings
from align.rating.files import ANSWERS, KEY, PAGE, rater_files
from align.rating.order import balanced_orders
from align.rating.summary import counted, mean_ratings, remarks
from align.registry import load as load_implementation
from align.registry import require
from align.results.models import compared_models
from align.results.titles import plain
from align.training.device import choose_device
from align.workflow.run_plan import RunPlan

CONFIGURATION = Path(paths.CONFIGURATION).name
RATINGS = Path(paths.RATINGS).name
SINGLE_SOURCE = "single_source"

Picture = npt.NDArray[np.float32]


class Masks(NamedTuple):
    """The images of a study with the mask of each method.

    Attributes:
        cases: N images.
        masks: each method's masks N×S×S in [0, 1]: those that it learns or is given, else its saliency maps.
    """

    cases: Cases
    masks: dict[str, Picture]


def prepare_study(
    results: Path, out: Path, images: int, methods: Sequence[str], source: str | None, seed: int, device: str, trial: bool
) -> str:
    """Write the page that raters open, and the key that says what they saw. Return what the author of the study must know.

    Args:
        results: a folder ``results/<configuration>`` of the current folder.
        out: the folder of the study.
        images: the number of images; they are spread evenly over the target domains and their lists.
        methods: the compared methods to rate; none for all of them.
        source: the source domain of the models; None for the first one.
        seed: of the order, of the names of masks, and of the random masks.
        device: auto, cpu or cuda.
        trial: whether the answers will be made up.

    Raises:
        InputError: there are no such results, or the folder holds another study that has answers.
    """
    if rater_files(out):
        raise InputError(f"{out}: found a study with answers, expected a new folder, so that none is lost; name another folder")
    plan = _plan(results)
    runs = _runs(plan, methods, source)
    checkpoints = [plan.places.run(paths.CHECKPOINT, run) for run in runs]
    found = _masks(plan, runs, checkpoints, images, choose_device(device))
    key, page = _study(found, runs, checkpoints, seed, trial)
    write_json(out / KEY, key.model_dump(mode="json", by_alias=True))
    with whole_file(out / PAGE) as partial:
        partial.write_text(page, encoding="utf-8")
    (out / ANSWERS).mkdir(exist_ok=True)
    shown = len(key.orders[0])
    return (
        f"{len(key.images)} images with the masks of {', '.join(method_title(run.method) for run in runs)}.\n"
        f"Each rater sees {shown} masks, about {-(-shown * SECONDS // 60)} minutes.\n"
        f"The page: {out / PAGE}. Give it to each rater, with a number from 1 on. It needs no network.\n"
        f"The key: {out / KEY}. Do not give it to raters.\n"
        f"Put the files that they save into {out / ANSWERS}, then run: align rate collect {out}"
    )


SECONDS = 8  # that a person takes for a mask, roughly


def collect_study(folder: Path) -> str:
    """Check and join the answers of all raters, write them as a table, and return what they say.

    Raises:
        InputError: see :func:`align.rating.answers.read_ratings`.
    """
    ratings = read_ratings(folder)
    write_csv(ratings, folder / RATINGS)
    return f"{summary_text(ratings)}\n\nAll answers: {folder / RATINGS}\n{IN_THE_RESULTS.format(folder=folder)}"


IN_THE_RESULTS = (
    "For the results page, the table, the figure and the claim: write `ratings: {folder}` into the configuration, and run "
    "snakemake again."
)


def summary_text(ratings: pd.DataFrame) -> str:
    """Return the mean ratings of each method with their intervals, and remarks on raters and controls."""
    means = mean_ratings(counted(ratings))
    cells = means.assign(
        method=means["method"].map(method_title),
        text=[f"{row.value:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in means.itertuples()],
    )
    table = cells.pivot_table(index="method", columns="question", values="text", aggfunc="first").reindex(columns=list(QUESTIONS))
    order = means[means["question"].eq("overall")].sort_values("value", ascending=False)["method"].map(method_title)
    printed = table.loc[list(order)].to_string() if len(table) else "No rater counts."
    return "\n".join(
        [*remarks(ratings), "", "Mean ratings from 1 to 5 with 95 % intervals (less background is better):", printed]
    )


def _plan(results: Path) -> RunPlan:
    file = results / CONFIGURATION
    if not file.is_file():
        raise InputError(
            f"{results}: found no {CONFIGURATION}, expected the results of a configuration, such as results/config; name another "
            "folder, or make its results with snakemake"
        )
    if results.resolve().parent != Path(paths.RESULTS).resolve():
        raise InputError(
            f"{results}: found results of another folder, expected results/…; change to {results.resolve().parents[1]}"
        )
    return RunPlan(load(yaml.safe_load(file.read_text(encoding="utf-8")), str(file)))


def _runs(plan: RunPlan, methods: Sequence[str], source: str | None) -> list[Run]:
    """Return the run of each method, with its first seed."""
    single = {runs[0].domain: page for page, runs in plan.pages.items() if runs[0].protocol == SINGLE_SOURCE}
    if not single:
        raise InputError("found no comparison of methods with one source domain, expected one in the configuration; add it")
    page = single[require("source", source, single)] if source else next(iter(single.values()))
    runs = {run.method: run for run in plan.first_seeds(page)}
    chosen = [runs[require("method", method, runs)] for method in methods] or list(runs.values())
    for run in chosen:
        if not Path(plan.places.run(paths.CHECKPOINT, run)).is_file():
            raise InputError(f"{run.path}: found no checkpoint, expected the finished run; run snakemake first")
    return chosen


def _masks(plan: RunPlan, runs: Sequence[Run], checkpoints: Sequence[str], images: int, device: torch.device) -> Masks:
    dataset, domains = runs[0].dataset, plan.datasets[runs[0].dataset].domains
    places, settings = plan.places, plan.configuration.evaluation
    models, classes, tested = compared_models(
        {run.method: plan.run_settings(run) for run in runs},
        checkpoints,
        places.dataset(paths.SPLITS, dataset),
        PackedFolders.of(places.domains(paths.IMAGES, dataset, domains), plan.ground_truth_files(paths.GROUND_TRUTH, dataset)),
        domains,
        plan.source_domains(runs[0]),
        settings.target_part,
        device,
    )
    shares = np.diff(np.round(np.linspace(0, images, len(domains) + 1)).astype(int))
    chosen = {name: sample_evenly(packed, int(n)) for (name, packed), n in zip(tested.items(), shares) if n}
    cases = collect_cases(chosen, classes)
    attribution = load_implementation(plan.attribution)
    explained = {method: explain_cases(model, attribution, cases, settings, device) for method, model in models.items()}
    return Masks(cases, {name: found.saliency if found.mask is None else found.mask for name, found in explained.items()})


def _study(found: Masks, runs: Sequence[Run], checkpoints: Sequence[str], seed: int, trial: bool) -> tuple[Key, str]:
    """Return the key and the page of a study."""
    random = np.random.default_rng(seed)
    packed, methods = found.cases.packed, list(found.masks)
    pictures = {(n, method): found.masks[method][n] for n in range(len(packed.labels)) for method in methods}
    controls = dict(_controls(found.cases, seed))
    pictures |= controls
    names = dict(zip(pictures, _names(len(pictures), random)))
    of_image: dict[int, list[str]] = {n: [] for n, _ in controls}
    for n, control in controls:
        of_image[n].append(names[n, control])
    orders = balanced_orders(names, methods, len(packed.labels), of_image, random)
    images = [
        Image.model_validate({"path": path, "target_domain": domain, "class": found.cases.classes[label]})
        for path, domain, label in zip(packed.paths, found.cases.domains, packed.labels)
    ]
    key = Key(
        study="",
        trial=trial,
        dataset=runs[0].dataset,
        source_domain=runs[0].domain,
        checkpoints={run.method: sha256(path) for run, path in zip(runs, checkpoints)},
        images=images,
        items={name: Item(image=n, method=method) for (n, method), name in names.items()},
        orders=orders,
    )
    shown = {
        "images": [data_uri(image) for image in packed.images],
        "objects": [plain(image.name) for image in images],
        "masks": {
            name: [place[0], data_uri(_grey(pictures[place]))] for place, name in sorted(names.items(), key=lambda i: i[1])
        },
    }
    key = key.model_copy(update={"study": value_hash([key.model_dump(mode="json", by_alias=True), shown])[:16]})
    data = {"study": key.study, "trial": trial, "orders": key.orders, **shown}
    questions = {name: question._asdict() for name, question in QUESTIONS.items()}
    return key, render_rating(data=data, questions=questions, scale=list(range(LOWEST, HIGHEST + 1)), trial=trial)


def _controls(cases: Cases, seed: int) -> Iterator[tuple[tuple[int, str], Picture]]:
    """Yield the control masks of some images, by the image's number and the control's name."""
    generator = torch.Generator().manual_seed(seed)
    truth, side = cases.packed.ground_truth, cases.packed.images.shape[1]
    for n in range(0, len(cases.domains), CONTROL_EVERY):
        yield (n, RANDOM), random_mask(torch.zeros(1, 3, side, side), generator)[0, 0].numpy()
        if truth is not None and not (truth[n] == UNKNOWN).all():
            yield (n, TRUTH), truth[n].astype(np.float32)


def _names(n: int, random: np.random.Generator) -> list[str]:
    """Return ``n`` different names that say nothing."""
    return [f"{number:08x}" for number in random.choice(2**32, n, replace=False)]


def _grey(mask: Picture) -> npt.NDArray[np.uint8]:
    return np.round(255 * np.nan_to_num(mask)).astype(np.uint8)
