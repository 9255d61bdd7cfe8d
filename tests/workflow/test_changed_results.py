"""Results that were replaced, cut short or made to do harm: refused before they cost anything, and made again as they were."""

import ast
import io
import json
import os
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import REPOSITORY, only, run_snakemake, write_images
from small_runs import run_settings

from align.configuration.loading import load
from align.errors import InputError
from align.files import read_json
from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.preparation.packed import read_array
from align.training.run import restore
from align.workflow.checksums import RECORDS, forget_checksums, record_checksums, require_unchanged
from align.workflow.inputs import existing_inputs

TABLE = "results/my/tables/in_distribution.csv"
RUN = "photographs/single_source/paris/erm/seed0"
PACKED = "results/data/photographs/*/16px-crop/paris.npy"
CHECKPOINT = f"results/runs/{RUN}/*/checkpoint.pt"
METRICS = f"results/evaluations/{RUN}/*/*/metrics.csv"


class RunsCode:
    """What a pickle can do to whoever reads it."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


@pytest.fixture
def evaluated(evaluated_photographs, tmp_path):
    """Return a copy of a folder in which one run is trained, evaluated and in its table."""
    return Path(shutil.copytree(evaluated_photographs, tmp_path / "evaluated"))


def snakemake(folder, *targets, fails=False):
    done = run_snakemake(folder, *(targets or [TABLE]), "--configfile", "my.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == fails, said
    assert "Traceback" not in said
    return said


def results(folder):
    """Return the bytes of what is trained, evaluated and shown."""
    kinds = ("runs", "evaluations", "my/tables", "data")
    return {path: path.read_bytes() for kind in kinds for path in (folder / "results" / kind).rglob("*") if path.is_file()}


def numbers(folder):
    return [only(folder, name).read_bytes() for name in ("results/my/metrics.csv", TABLE, METRICS)]


def replace_images(path):
    """Put other images in place of the packed ones: as many, as large."""
    np.save(path, np.load(path)[:, ::-1])


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-1000])


def lose_a_line(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [(PACKED, replace_images), (CHECKPOINT, cut_short), (METRICS, lose_a_line)],
    ids=["packed", "checkpoint", "metrics"],
)
def test_a_changed_result_costs_nothing_and_is_made_again_as_it_was(evaluated, name, damage):
    before, path = numbers(evaluated), only(evaluated, name)
    damage(path)
    damaged = results(evaluated)
    said = snakemake(evaluated, fails=True)
    assert said.count(f"{path.relative_to(evaluated)}: found ") == 1
    assert "restore these files, or remove them to have them made again" in said
    assert results(evaluated) == damaged  # no job had started, and so none had removed what it makes
    path.unlink()
    snakemake(evaluated, TABLE, str(path.relative_to(evaluated)))
    assert numbers(evaluated) == before


def test_a_checkpoint_that_would_run_code_is_not_read(evaluated):
    path = only(evaluated, CHECKPOINT)
    path.write_bytes(pickle.dumps(RunsCode(evaluated / "executed")))
    shutil.rmtree(evaluated / RECORDS)  # as if it had come from elsewhere: nothing is known of it
    said = snakemake(evaluated, fails=True)
    assert said.count(f"{path.relative_to(evaluated)}: found no checkpoint of align.methods.erm:ERM") == 1
    assert "remove it to train again" in said
    assert not (evaluated / "executed").exists()


@pytest.mark.parametrize("read", ["checkpoint", "array"])
def test_no_reader_runs_code(tmp_path, read):
    path, made = tmp_path / "file", tmp_path / "executed"
    if read == "checkpoint":
        torch.save({"classifier": RunsCode(made)}, path)
        with pytest.raises(InputError, match="found no checkpoint"):
            restore(run_settings(), path, torch.device("cpu"))
    else:
        with path.open("wb") as file:
            np.save(file, np.array([RunsCode(made)], object), allow_pickle=True)
        with pytest.raises(InputError, match="found no whole packed array"):
            read_array(path, 1)
    assert not made.exists()
    pickle.load(io.BytesIO(pickle.dumps(RunsCode(made))))
    assert made.exists()  # it would have


def calls(tree):
    """Yield the name of each call in a syntax tree, ``module.function``, with its keyword arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            yield ast.unparse(node.func), keywords


def test_nothing_reads_pickles_or_runs_what_it_reads():
    safe = {"torch.load": ("weights_only", "True"), "np.load": ("allow_pickle", "False")}
    forbidden = {"pickle.load", "pickle.loads", "pd.read_pickle", "joblib.load", "yaml.load", "yaml.unsafe_load", "eval", "exec"}
    wrong, seen = [], set()
    for path in (path for folder in ("src", "workflow_scripts", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py")):
        for name, keywords in calls(ast.parse(path.read_text())):
            key, value = safe.get(name, (None, None))
            seen.add(name)
            if name in forbidden or (key and keywords.get(key) != value):
                wrong.append(f"{path.name}: {name}")
    assert wrong == []
    assert safe.keys() <= seen


@pytest.mark.parametrize("path", ["../paris/cat/1.png", "/etc/cat/1.png", "paris/cat/../../../1.png", ".."])
def test_a_listing_that_leads_out_of_its_folder_is_refused(tmp_path, path):
    listing = pd.DataFrame(
        [("paris/cat/..1.png", "paris", "cat", "00"), (path, "paris", "cat", "00")], columns=list(MANIFEST_COLUMNS)
    )
    listing.iloc[:1].to_csv(tmp_path / "manifest.csv", index=False)
    assert len(read_listing(tmp_path / "manifest.csv", MANIFEST_COLUMNS)) == 1
    listing.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(InputError, match=r"manifest\.csv: found .*, expected paths within the data set's folder"):
        read_listing(tmp_path / "manifest.csv", MANIFEST_COLUMNS)


@pytest.mark.parametrize("name", ["../rome", "/etc", "..", "", ".hidden"])
@pytest.mark.parametrize("names", ["domains", "classes", "test_only"])
def test_a_name_that_leads_out_is_none(tmp_path, names, name):
    write_images(tmp_path / "photographs")
    dataset = {"root": tmp_path / "photographs", names: [name]}
    with pytest.raises(InputError, match=rf"datasets\.photographs\.{names}\.0"):
        load({"datasets": {"photographs": dataset}, "experiments": {"one": {"dataset": "photographs"}}})


@pytest.mark.parametrize("content", [b"", b'{"settings": {', b"\xff\xfe"])
def test_an_account_that_is_cut_short_is_named(tmp_path, content):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=r"run\.json: found no JSON .*; remove it, so that it is made again"):
        read_json(tmp_path / "run.json")


# Checksums of results


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Return a result whose checksum is recorded, below the working directory."""
    monkeypatch.chdir(tmp_path)
    path = Path("results/data/paris.npy")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"packed")
    record_checksums([path])
    return path


def test_a_new_time_or_a_copy_is_no_change(recorded):
    os.utime(recorded, (1e9, 1e9))
    require_unchanged([recorded])
    copy = recorded.with_name("copy")
    shutil.copyfile(recorded, copy)
    copy.replace(recorded)
    require_unchanged([recorded])
    known = json.loads((RECORDS / "data/paris.npy.json").read_text())
    assert known["modified_ns"] == recorded.stat().st_mtime_ns  # so that its content is read once


@pytest.mark.parametrize(("content", "found"), [(b"PACKED", "found SHA-256 "), (b"pack", "found 4 bytes, expected 6")])
def test_another_content_is_a_change(recorded, content, found):
    recorded.write_bytes(content)
    with pytest.raises(InputError, match=rf"results/data/paris\.npy: {found}"):
        require_unchanged([recorded])


def test_every_changed_file_is_counted_and_some_are_named(recorded):
    paths = [recorded.with_name(f"{number}.npy") for number in range(12)]
    for path in paths:
        path.write_bytes(b"1")
    record_checksums(paths)
    for path in paths:
        path.write_bytes(b"2")
    with pytest.raises(InputError, match="found 12 results that have changed since they were written") as caught:
        require_unchanged(paths)
    assert "… and 2 more" in str(caught.value)


def test_what_is_not_known_is_not_refused(recorded):
    recorded.write_bytes(b"PACKED")
    forget_checksums([recorded])  # what a job does before it writes: one that is killed leaves nothing to compare with
    require_unchanged([recorded, Path("results/absent.csv"), Path("elsewhere.csv")])
    record_checksums([recorded])
    (RECORDS / "data/paris.npy.json").write_text("{")  # cut short
    recorded.write_bytes(b"packed")
    require_unchanged([recorded])


def test_only_what_is_read_and_not_made_is_looked_at(recorded):
    made = recorded.with_name("splits.csv")
    made.touch()
    jobs = [SimpleNamespace(input=[recorded, made, "absent"], output=[]), SimpleNamespace(input=[], output=[made])]
    assert existing_inputs(jobs) == [recorded]
