"""What is undefined in the real workflow: refused or warned of before the first job, and no number in any result."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from conftest import PHOTOGRAPHS, copy_workflow, only, run_snakemake, write_images
from PIL import Image

from align.metrics import FAITHFULNESS, LOCALISATION, family_measures

NO_NUMBER = re.compile(r"\bnan\b|\bNone\b|\binf\b|\[, ?\]|-0\.0+\b|± *(\||&|<)")


@pytest.fixture
def folder(tmp_path):
    """Return a working directory with the fewest photographs that can be split, and their true masks."""
    folder = copy_workflow(tmp_path / "workflow")
    write_images(folder / "photographs")
    for image in sorted((folder / "photographs").glob("*/*/[34].png")):
        image.unlink()
    for image in sorted((folder / "photographs").glob("*/*/*.png")):
        mask = folder / "masks" / image.relative_to(folder / "photographs")
        mask.parent.mkdir(parents=True, exist_ok=True)
        drawn = Image.new("L", (20, 20))
        drawn.paste(255, (5, 5, 15, 15))
        drawn.save(mask)
    configure(folder)
    return folder


def configure(folder, methods=("erm", "mixup"), **dataset):
    """Write a configuration of which the last feature map has one cell."""
    content = yaml.safe_load(PHOTOGRAPHS)
    truth = [{"kind": "masks", "folder": "masks"}]
    content["datasets"]["photographs"] |= {"image_size": 8, "ground_truth": truth} | dataset
    content["experiments"]["one"]["methods"] = list(methods)
    content["classifier"]["widths"] = [4, 4, 8]
    content["evaluation"] = {"curve_steps": 2}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))


def test_maps_of_one_cell_and_two_test_images(folder):
    tables = [f"results/my/tables/{name}.md" for name in ("explanation_quality", "in_distribution", "data")]
    figures = [f"results/my/figures/{name}.svg" for name in ("accuracy_vs_explanation", "average_ranks")]
    done = run_snakemake(folder, *tables, *figures, "results/my/verdict.md", "--configfile", "my.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    warning = "every grad_cam map of photographs has one cell and ranks no pixel, so faithfulness and localisation are undefined"
    assert said.count(warning) == 1
    assert "datasets.photographs.image_size is 8; expected an image_size above 8, such as 16" in said

    metrics = pd.read_csv(folder / "results/my/metrics.csv").set_index("metric")
    explanations = [*family_measures(FAITHFULNESS), *family_measures(LOCALISATION)]
    assert metrics.loc[explanations, "value"].isna().all()
    assert metrics.loc[explanations, "n"].eq(0).all()
    assert metrics.loc[["accuracy", "auc", "ground_truth_area"], "n"].eq(2).all()
    images = only(folder, "results/evaluations/photographs/single_source/paris/erm/seed0/**/images.csv.gz")
    assert pd.read_csv(images)[explanations].isna().all(axis=None)

    table = (folder / tables[0]).read_text()
    assert "| ERM | – | – | – | – | – | – |" in table
    assert "needs saliency maps that are not flat" in table
    assert "Fewer than 20 test images, so means over them say little: paris 2, rome 2." in (folder / tables[2]).read_text()
    drawn = (folder / figures[0]).read_text()
    assert "needs saliency maps" in drawn
    verdict = (folder / "results/my/verdict.md").read_text()
    assert "not tested" in verdict
    results = [path for kind in ("md", "tex", "html") for path in (folder / "results").rglob(f"*.{kind}")]
    assert len(results) == 4 * 3
    for path in results:
        assert not NO_NUMBER.search(path.read_text()), path


def test_what_cannot_be_defined_is_refused_at_the_dry_run(folder):
    configure(folder, ["erm", "align"])
    one_cell = "found method 'align', whose loss compares cells of the last feature map, and one cell only"
    assert refused(folder).count(one_cell) == 1
    configure(folder)
    for label in (folder / "photographs").glob("*/dog"):
        shutil.rmtree(label)
    shutil.rmtree(folder / "masks")
    configure(folder, ground_truth=[])
    assert refused(folder).count("datasets.photographs: found one class only, 'cat', in photographs, expected two or more") == 1


def refused(folder):
    """Return what the dry run says, which fails."""
    done = run_snakemake(folder, "--dry-run", "--configfile", "my.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    assert not (folder / "results").exists()
    return said
