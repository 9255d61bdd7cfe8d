"""The arguments of ``align``. Heavy imports wait until a command runs, so that ``align --help`` answers at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from align.errors import InputError

if TYPE_CHECKING:
    from align.trained.model import Model

app = typer.Typer(
    help="What comes after training: explain photographs, take a model elsewhere, let people rate masks, plan the next runs.",
    epilog="The workflow itself is started with snakemake. docs/using_models.md shows every command with an example.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
rate = typer.Typer(
    help="Let people rate masks without knowing which method made them (the paper's Fig. 5).",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.add_typer(rate, name="rate")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run in results/runs/, or a checkpoint.pt.")]
ImageSize = Annotated[
    int | None, typer.Option(help="Side of the images that the run was trained on; only for a checkpoint that does not hold it.")
]
Resize = Annotated[Literal["crop", "stretch"], typer.Option(help="How they were made square; only together with --image-size.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute.")]


@app.command()
def explain(
    run: Run,
    photographs: Annotated[list[Path], typer.Argument(metavar="PHOTOGRAPH...", help="Photographs, or folders of them.")],
    out: Annotated[Path, typer.Option(help="The folder for the pictures and their page.")] = Path("explanations"),
    attribution: Annotated[
        str, typer.Option(help="grad_cam, hires_cam, layer_cam, input_gradient or integrated_gradients.")
    ] = "grad_cam",
    export: Annotated[Literal["npz"] | None, typer.Option(help="Write everything as arrays, too.")] = None,
    device: Device = "auto",
    image_size: ImageSize = None,
    resize: Resize = "crop",
) -> None:
    """Predict and explain photographs: a picture of each, and a page of all."""
    from align.commands.explain import PAGE, explain_photographs
    from align.commands.photographs import find_photographs

    found = find_photographs(photographs)
    model = _model(run, device, image_size, resize)
    errors = explain_photographs(model, found, out, attribution, export == "npz", print)
    if len(errors) < len(found):
        print(f"Pictures: {out / PAGE}")
    _report(errors)


@app.command()
def masks(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of photographs.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder for the masks.")],
    device: Device = "auto",
    image_size: ImageSize = None,
    resize: Resize = "crop",
) -> None:
    """Write the learned mask of each photograph as a grey PNG of the same size."""
    from align.commands.masks import write_masks
    from align.commands.photographs import find_photographs

    found = find_photographs([folder])
    errors = write_masks(_model(run, device, image_size, resize), found, out)
    print(f"{len(found) - len(errors)} masks in {out}")
    _report(errors)


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder for the model.")],
    form: Annotated[
        Literal["onnx", "torchvision"], typer.Option("--format", help="ONNX, or the weights of a torchvision network.")
    ] = "onnx",
    image_size: ImageSize = None,
    resize: Resize = "crop",
) -> None:
    """Write a model that runs without this project: ONNX or PyTorch weights, with a model card."""
    from align.trained.card import write_card
    from align.trained.export import write_description, write_onnx, write_torchvision

    model = _model(run, "cpu", image_size, resize)
    files = (write_onnx if form == "onnx" else write_torchvision)(model, out)
    files += [write_description(model, out), write_card(model, files, out)]
    print("\n".join(map(str, files)))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="A folder of results, such as results/config.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Another one.")],
    everything: Annotated[bool, typer.Option("--all", help="Print every measure, not only the main ones.")] = False,
    out: Annotated[Path | None, typer.Option(help="A CSV file for the paired numbers, with every measure.")] = None,
) -> None:
    """Tell what two results differ in, and pair their numbers by image and seed."""
    from align.comparison.report import compare as compared
    from align.metrics.evaluate import write_csv

    text, numbers = compared(first, second, everything)
    if out:
        write_csv(numbers, out)
    print(text)


@rate.command()
def prepare(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A folder of results, such as results/config.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder for the study.")],
    images: Annotated[int, typer.Option(min=1, help="How many images.")] = 20,
    method: Annotated[list[str] | None, typer.Option(help="A method to rate; several times for several. Default: all.")] = None,
    source: Annotated[str | None, typer.Option(help="The source domain of the models. Default: the first.")] = None,
    seed: Annotated[int, typer.Option(help="Of the order and the random masks.")] = 0,
    trial: Annotated[bool, typer.Option("--trial", help="Answers will be made up; everything says so.")] = False,
    device: Device = "auto",
) -> None:
    """Make the page on which people rate masks, and its key."""
    from align.commands.rate import prepare_study

    print(prepare_study(results, out, images, method or [], source, seed, device, trial))


@rate.command()
def collect(out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder of the study.")]) -> None:
    """Check and join the answers of all raters."""
    from align.commands.rate import collect_study

    print(collect_study(out))


@app.command()
def plan(
    configuration: Annotated[Path, typer.Argument(metavar="CONFIGURATION", help="A YAML file, such as config/paper.yaml.")],
    measured: Annotated[
        Path, typer.Argument(metavar="[MEASURED]", help="A folder of results with finished jobs, or a CSV of `make bench`.")
    ] = Path("results"),
) -> None:
    """Tell which jobs a configuration has, and the hours that they are expected to take."""
    from align.planning.report import plan_report

    print(plan_report(configuration, measured))


def main() -> None:
    """Run the program. Bad input ends it with one clear error and exit code 1."""
    try:
        app()
    except InputError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(1) from None


def _model(run: Path, device: str, image_size: int | None, resize: Literal["crop", "stretch"]) -> "Model":
    from align.imaging.view import View
    from align.trained.model import load

    return load(run, device, None if image_size is None else View(image_size, resize))


def _report(errors: list[InputError]) -> None:
    """Print why photographs were passed over, if any were, and end with exit code 1."""
    for error in errors:
        typer.echo(f"passed over: {error}", err=True)
    if errors:
        raise typer.Exit(1)
