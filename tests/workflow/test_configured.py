"""Several configurations in one folder: each has results of its own, and they share what their settings agree in."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import PHOTOGRAPHS, run_snakemake

from align import paths
from align.errors import InputError
from align.workflow.configured import configuration_name, record_configuration, require_own_folder, require_present_names

RUN = "photographs/single_source/paris/erm/seed0"
RULE = re.compile(r"^(\w+) +\d+$", re.MULTILINE)


def write(folder, name, **sections):
    content = yaml.safe_load(PHOTOGRAPHS)
    for section, values in sections.items():
        content[section] = {**content.get(section, {}), **values} if isinstance(values, dict) else values
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(yaml.safe_dump(content))


def made(folder, name, results=None):
    """Make a table of one configuration, and return the rules that Snakemake has run."""
    table = f"results/{results or Path(name).stem}/tables/in_distribution.csv"
    done = run_snakemake(folder, table, "--configfile", name)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(RULE.findall(done.stderr + done.stdout)) - {"total"}


@pytest.fixture
def folder(photographs_data, tmp_path):
    return Path(shutil.copytree(photographs_data, tmp_path / "folder"))


def shown(folder, name):
    return {path: path.read_bytes() for path in (folder / "results" / name).rglob("*") if path.is_file()}


def test_two_configurations_do_not_overwrite_each_other(folder):
    write(folder, "slow.yaml", training={"learning_rate": 1e-4})
    write(folder, "fast.yaml", training={"learning_rate": 1e-2})
    assert made(folder, "slow.yaml") >= {"train_run", "evaluate_run", "collect_metrics"}
    slow = shown(folder, "slow")
    again = made(folder, "fast.yaml")
    assert {"train_run", "evaluate_run"} <= again
    assert not {"index", "verify", "split", "pack"} & again  # the data are shared
    assert shown(folder, "slow") == slow
    assert made(folder, "slow.yaml") == made(folder, "fast.yaml") == set()
    assert len(list(folder.glob(f"results/runs/{RUN}/*/checkpoint.pt"))) == 2
    (first, second) = (folder / f"results/{name}/metrics.csv" for name in ("slow", "fast"))
    assert first.read_bytes() != second.read_bytes()

    write(folder, "also_slow.yaml", training={"learning_rate": 1e-4}, case_studies={"images": 1}, results="as before")
    shared = made(folder, "also_slow.yaml", "as before")
    assert not {"train_run", "evaluate_run"} & shared
    assert (folder / "results/as before/metrics.csv").read_bytes() == first.read_bytes()


def test_a_run_is_made_by_its_name(folder):
    targets = [f"results/my/runs/{RUN}/{name}" for name in ("checkpoint.pt", "metrics.csv")]
    done = run_snakemake(folder, *targets, "--configfile", "my.yaml")
    assert done.returncode == 0, done.stderr
    for path, kept in zip(targets, (f"results/runs/{RUN}/*/checkpoint.pt", f"results/evaluations/{RUN}/*/*/metrics.csv")):
        (file,) = folder.glob(kept)
        assert (folder / path).is_symlink()
        assert (folder / path).resolve() == file.resolve()
    assert "Nothing to be done" in run_snakemake(folder, *targets, "--configfile", "my.yaml").stderr


@pytest.mark.parametrize(
    ("former", "present"),
    [
        (f"results/runs/{RUN}/checkpoint.pt", f"results/my/runs/{RUN}/checkpoint.pt"),
        (f"results/evaluations/{RUN}/metrics.csv", f"results/my/runs/{RUN}/metrics.csv"),
        ("results/tables/in_distribution.md", "results/my/tables/in_distribution.md"),
        ("results/report.html", "results/my/report.html"),
    ],
)
def test_a_target_without_the_configuration_s_name_is_told_with_it(former, present):
    with pytest.raises(InputError, match=rf"^{re.escape(former)}: found no such target, .* snakemake {re.escape(present)}$"):
        require_present_names(["data", former], "my")
    require_present_names([present, f"results/runs/{RUN}/0123abcd/checkpoint.pt", "results/data/a/b/manifest.csv"], "my")


def test_results_of_an_earlier_layout_are_named_and_left_alone(folder):
    (folder / "results/metrics.csv").write_text("old")
    (folder / f"results/runs/{RUN}").mkdir(parents=True)
    (folder / f"results/runs/{RUN}/checkpoint.pt").write_text("old")
    done = run_snakemake(folder, "data", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stderr
    said = "results/ has 2 files and folders of an earlier layout, such as results/metrics.csv"
    assert done.stderr.count(said) == 1
    assert (folder / f"results/runs/{RUN}/checkpoint.pt").read_text() == "old"


def test_the_folder_is_named_by_the_setting_or_the_files():
    files = [Path("config/a.yaml"), Path("/elsewhere/b.c.yml")]
    assert configuration_name(None, files) == "a+b.c"
    assert configuration_name(None, [Path("a.yaml"), Path("/here/a.yaml")]) == "a"
    assert configuration_name("mine", files) == "mine"
    assert configuration_name(None, []) == "config"
    for name in ("data", "runs", "evaluations", "state", "checksums", "logs", "benchmarks"):
        with pytest.raises(InputError, match=f"found a configuration with the name '{name}'"):
            configuration_name(None, [Path(f"{name}.yaml")])
    with pytest.raises(InputError, match=r"results/a \{b\}: found braces in the name of a configuration; set `results"):
        configuration_name(None, [Path("a {b}.yaml")])


def test_two_files_of_one_name_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here, there = (tmp_path / name / "same name.yaml" for name in ("a", "b"))
    for file in (here, there):
        file.parent.mkdir()
        file.touch()
    require_own_folder("same name", [here])  # nothing is there yet
    record_configuration("same name", [here], {"device": "cpu"})
    require_own_folder("same name", [Path("a/same name.yaml")])
    with pytest.raises(InputError, match=r"found results of a/same name.yaml, expected those of b/same name.yaml; set `results"):
        require_own_folder("same name", [there])
    here.unlink()  # it was moved
    require_own_folder("same name", [there])
    record = Path(paths.CONFIGURATION.format(configuration="same name"))
    assert yaml.safe_load(record.read_text()) == {"device": "cpu"}
    record.write_text("# Made from: nothing\n")
    require_own_folder("same name", [there])
