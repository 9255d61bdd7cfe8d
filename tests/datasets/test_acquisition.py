"""The real commands, from an archive at an address or on this machine to packed data."""

import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import copy_library, copy_workflow, only, run_snakemake
from file_server import Served, running_server
from test_terra_incognita import NAMES, annotation_archive, annotation_file, archive, image_archive, jpeg

from align.datasets import SOURCES
from align.datasets.terra_incognita import read_list

IMAGES_PER_CLASS = 5
SIZE = 32


@pytest.fixture(scope="session")
def vlcs_archive(shared_data, tmp_path_factory):
    """Return an archive in VLCS's layout, with some real images of each class and domain."""
    root = shared_data / "vlcs_subset/VLCS"
    path = tmp_path_factory.mktemp("archive") / "VLCS.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for folder in sorted(root.glob("*/*")):
            for image in sorted(folder.iterdir())[:IMAGES_PER_CLASS]:
                archive.add(image, image.relative_to(root.parent))
    return path


@pytest.fixture
def workflow(tmp_path):
    return copy_workflow(tmp_path / "workflow")


def configure(folder, images, **settings):
    content = {
        # LabelMe and SUN09 have one to four images of some classes here: too few to split.
        "datasets": {
            "VLCS": {
                "source": {"vlcs": {"images": images}},
                "root": "data/VLCS",
                "image_size": SIZE,
                "test_only": ["LabelMe", "SUN09"],
                **settings,
            }
        },
        "experiments": {"one": {"dataset": "VLCS", "domains": ["VOC2007"], "methods": ["erm"], "seeds": [0]}},
    }
    (folder / "my.yaml").write_text(yaml.safe_dump(content))


def make(folder, *targets, library=None):
    return run_snakemake(folder, *targets, "--configfile", "my.yaml", library=library)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_from_an_address_to_packed_data(workflow, vlcs_archive):
    content = vlcs_archive.read_bytes()
    with running_server() as server:
        served = Served(content, at_most=len(content) * 2 // 3)  # then the connection is cut
        images = {"address": server.serve("/VLCS.tar.gz", served), "sha256": sha256(vlcs_archive)}
        configure(workflow, images)
        done = make(workflow, "data")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "expected 10729 as published of VLCS (20 of 20 numbers differ)" in said
    assert [line.split() for line in said.splitlines() if line.split()[:2] == ["LabelMe", "person"]] == [
        ["LabelMe", "person", "5", "1237", "-1232"]
    ]
    assert "`allow_partial: true`" in said
    assert "Traceback" not in said
    assert not list(workflow.glob("results/data/VLCS/*/splits-*.csv"))
    assert served.resumed
    assert sum(request.sent for request in served.resumed) < len(content), "only the rest was asked for"

    configure(workflow, images, allow_partial=True)
    done = make(workflow, "data", "results/my/tables/data.md")  # the server is gone: what has arrived is used
    assert done.returncode == 0, done.stdout + done.stderr
    assert sha256(workflow / "downloads/VLCS/VLCS.tar.gz") == sha256(vlcs_archive)
    with tarfile.open(vlcs_archive) as archive:
        members = sorted(name.removeprefix("VLCS/") for name in archive.getnames())
    assert list(pd.read_csv(only(workflow, "results/data/VLCS/*/manifest.csv"))["path"]) == members
    for domain in ("Caltech101", "LabelMe", "SUN09", "VOC2007"):
        packed = np.load(only(workflow, f"results/data/VLCS/*/*/{domain}.npy"), mmap_mode="r")
        assert packed.shape == (sum(name.startswith(domain) for name in members), SIZE, SIZE, 3)
    table = " ".join((workflow / "results/my/tables/data.md").read_text().split())  # a note has several lines
    assert "Warning: not the published data set" in table
    assert "| VOC2007 | 25 | 15 | 5 | 5 | 3,376 | -3,351 |" in table

    shutil.rmtree(workflow / "downloads")  # 10 GB that nobody needs any more
    configure(workflow, {"archive": "gone.tar.gz"}, allow_partial=True)
    again = make(workflow, "data", "results/my/tables/data.md")
    assert "Nothing to be done" in again.stdout + again.stderr

    configure(workflow, {"archive": "gone.tar.gz", "sha256": "0" * 64}, allow_partial=True)
    other = make(workflow, "data")
    assert other.returncode == 1
    assert "expected 0000" in other.stdout + other.stderr
    configure(workflow, images)  # partial data are refused each time that they are asked for
    assert [make(workflow, "data").returncode for _ in range(2)] == [1, 1]
    shutil.rmtree(workflow / "data/VLCS/SUN09")
    changed = make(workflow, "data")
    assert changed.returncode == 1
    manifest = only(workflow, "results/data/VLCS/*/manifest.csv").relative_to(workflow)
    assert f"data/VLCS: found other files than when they were listed; remove {manifest}" in changed.stderr


def test_from_an_archive_on_this_machine(workflow, vlcs_archive):
    configure(workflow, {"archive": str(vlcs_archive), "sha256": sha256(vlcs_archive)}, allow_partial=True)
    done = make(workflow, "splits")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (workflow / "downloads/VLCS/VLCS.tar.gz").exists(), "a copy has gigabytes"
    acquisition = json.loads((workflow / "data/VLCS/acquisition.json").read_text())
    assert acquisition["archives"] == {"VLCS.tar.gz": sha256(vlcs_archive)}
    assert json.loads((workflow / "data/VLCS/acquisition.json").read_text())["images"] == len(
        pd.read_csv(only(workflow, "results/data/VLCS/*/splits-*.csv"))
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "found no such file, expected the archive VLCS.tar.gz"),
        (b"<html>Sign in to continue</html>", "found a web page"),
    ],
    ids=["absent", "web page"],
)
def test_an_archive_that_cannot_be_used_leaves_nothing(workflow, content, expected):
    if content:
        (workflow / "VLCS.tar.gz").write_bytes(content)
    configure(workflow, {"archive": "VLCS.tar.gz"})
    done = make(workflow, "data")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert said.count(expected) == 1
    assert "Traceback" not in said
    assert not (workflow / "data").exists() or not any((workflow / "data").iterdir())


def test_terra_incognita_from_its_two_archives(workflow, tmp_path):
    labels = ("cat", "dog", "empty")
    images = {f"{location}{label}{n}": (location, label) for location in (38, 43, 46, 100) for label in labels for n in range(5)}
    files = {name: annotation_file() for name in NAMES} | {
        "cis_val": annotation_file(**dict(list(images.items())[:30])),
        "trans_test": annotation_file(
            **dict(list(images.items())[20:]), both=(38, "cat,dog"), skunk=(38, "skunk"), else_where=(33, "cat")
        ),
    }
    held = [name for name in [*images, "both", "skunk", "else_where"] if name != "100dog4"]
    archives = {
        "annotations": annotation_archive(tmp_path, files).path,
        "images": image_archive(tmp_path, {f"{name}.jpg": jpeg() for name in held}).path,
    }
    places = {key: {"archive": str(path), "sha256": sha256(path)} for key, path in archives.items()}
    traps = {"source": {"terra_incognita": {"version": "current"} | places}, "root": "data/traps", "image_size": 8}
    content = {
        "datasets": {"traps": traps},
        "experiments": {"one": {"dataset": "traps", "methods": ["erm"], "seeds": [0]}},
    }
    (workflow / "my.yaml").write_text(yaml.safe_dump(content))
    done = make(workflow, "data")
    assert done.returncode == 1
    assert (
        "data/traps: the archive lacks 1 of the images that are listed for it\ncomplete the folder" in done.stdout + done.stderr
    )
    traps["allow_partial"] = True
    (workflow / "my.yaml").write_text(yaml.safe_dump(content))
    done = make(workflow, "data", "results/my/tables/data.md")
    assert done.returncode == 0, done.stdout + done.stderr
    cells = pd.read_csv(only(workflow, "results/data/traps/*/manifest.csv")).groupby(["domain", "class"]).size()
    assert cells.to_dict() == {
        (f"L{location}", label): 5 - ((location, label) == (100, "dog")) for location in (38, 43, 46, 100) for label in labels
    }
    table = " ".join((workflow / "results/my/tables/data.md").read_text().split())  # a note has several lines
    assert "Left out, image names several of the ten classes: 1." in table
    assert "Warning: the archive lacks 1 of the images that are listed for it, and the configuration allows it." in table
    assert "Published by DomainBed: 24,788. Difference: -24,729. Images by DomainBed rule: 61." in table

    traps["source"]["terra_incognita"]["version"] = 24788
    (workflow / "my.yaml").write_text(yaml.safe_dump(content))
    done = make(workflow, "data")
    assert done.returncode == 1
    assert "data/traps: found images made with version: current, expected 24788 as configured; remove the folder" in done.stderr


TWO_CLASSES = "5968bf89-23d2-11e8-a6a3-ec086b02610b"  # L43, bobcat and squirrel
PER_CELL = 4


def test_the_24788_images_of_terra_incognita_from_several_servers(workflow, tmp_path):
    listed = read_list(workflow / "reference/terra_incognita_24788.csv.gz")
    chosen = {f"{TWO_CLASSES}.jpg": listed[f"{TWO_CLASSES}.jpg"]}
    for name, image in listed.items():
        if len(image.classes) == 1 and list(chosen.values()).count(image) < PER_CELL:
            chosen[name] = image
    annotated = {name.removesuffix(".jpg"): (image.domain[1:], ",".join(image.classes)) for name, image in chosen.items()}
    files = {name: annotation_file() for name in NAMES} | {"train": annotation_file(**dict(list(annotated.items())[:50]))}
    for number, image in enumerate(files["train"]["images"]):
        image["seq_id"] = f"{number:08x}-5567-11e8-92fb-dca9047ef277"
    contents = {
        "annotations": annotation_archive(tmp_path, files).path.read_bytes(),
        "images": image_archive(tmp_path, {name: jpeg() for name in chosen}).path.read_bytes(),
    }
    with running_server() as gone:
        dead = gone.address
    with running_server() as broken, running_server() as server:
        places = {
            key: {
                "address": [
                    f"{dead}/{key}",
                    broken.serve(f"/{key}", Served(content[:-100])),
                    server.serve(f"/{key}", Served(content)),
                ],
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for key, content in contents.items()
        }
        traps = {"source": {"terra_incognita": places}, "root": "data/traps", "image_size": 8}
        content = {
            "datasets": {"traps": traps | {"split_group": "^([0-9a-f-]{36})"}},
            "experiments": {"one": {"dataset": "traps", "methods": ["erm"], "seeds": [0]}},
        }
        (workflow / "my.yaml").write_text(yaml.safe_dump(content))
        done = make(workflow, "data")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert f"data/traps: the archive lacks {24_784 - len(chosen):,} of the 24,784 listed images (" in said
    cells = Counter((image.domain, label) for image in chosen.values() for label in image.classes)
    number = len(chosen) + 1
    # Two cells have three images each, and all of them are here.
    assert f"found {number} images, expected 24788 as published of TerraIncognita-24788 (38 of 40 numbers differ):" in said
    assert [line.split() for line in said.splitlines() if line.split()[:2] == ["L43", "squirrel"]] == [
        ["L43", "squirrel", str(PER_CELL + 1), "10", str(PER_CELL - 9)]
    ]
    assert "Traceback" not in said

    content["datasets"]["traps"]["allow_partial"] = True
    (workflow / "my.yaml").write_text(yaml.safe_dump(content))
    done = make(workflow, "data", "results/my/tables/data.md")
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = pd.read_csv(only(workflow, "results/data/traps/*/manifest.csv"))
    assert manifest.groupby(["domain", "class"]).size().to_dict() == cells
    splits = pd.read_csv(only(workflow, "results/data/traps/*/splits-*.csv"))
    twice = splits[splits["path"].str.contains(TWO_CLASSES)]
    assert list(twice["class"]) == ["bobcat", "squirrel"]
    assert len(set(twice["split"])) == 1
    acquisition = json.loads(only(workflow, "results/data/traps/*/acquisition.json").read_text())
    assert acquisition["served_by"] == {
        "eccv_18_all_images_sm.tar.gz": f"{server.address}/images",
        "eccv_18_annotations.tar.gz": f"{server.address}/annotations",
    }
    assert len(acquisition["lacking"]) == 24_784 - len(chosen)
    assert acquisition["in_two_classes"] == list(twice["path"])
    table = " ".join((workflow / "results/my/tables/data.md").read_text().split())  # a note has several lines
    assert f"Warning: the archive lacks {24_784 - len(chosen):,} of the 24,784 listed images" in table
    assert "Images of two classes: 1." in table


def test_mirrors_of_the_table_are_tried_until_one_has_the_published_images(workflow, tmp_path):
    names = [(domain, label) for domain in SOURCES["vlcs"].domains for label in ("bird", "car")]
    published = "".join(f"VLCS,{domain},{label},5\n" for domain, label in names)
    (workflow / "reference/dataset_counts.csv").write_text(f"dataset,domain,class,images\n{published}")
    whole, less = (
        archive(
            tmp_path / "copy.tar.gz", {f"v/{d}/full/{label}/{n}.jpg": jpeg() for d, label in names for n in range(number)}
        ).path.read_bytes()
        for number in (5, 4)
    )
    layout = 'Layout(folders=("domain", "split", "class"))'
    with running_server() as gone:
        dead = f"{gone.address}/VLCS.tar.gz"
    with running_server() as wrong, running_server() as other, running_server() as good:
        addresses = [
            wrong.serve("/VLCS.tar.gz", Served(less)),
            other.serve("/VLCS.tar.gz", served := Served(less)),
            good.serve("/VLCS.tar.gz", Served(whole)),
        ]
        digest = f"sha256:{hashlib.sha256(whole).hexdigest()}"
        mirrors = f"""
VLCS = {{"images": Archive("VLCS.tar.gz", GIGABYTE, (
    Mirror({dead!r}, digest="md5:0"),
    Mirror({addresses[0]!r}, digest={digest!r}),
    Mirror({addresses[1]!r}, layout={layout}),
    Mirror({addresses[2]!r}, {len(whole)}, {digest!r}, {layout}),
))}}
"""
        library = copy_library(tmp_path / "library")
        with (library / "align/acquisition/archives.py").open("a") as table:
            table.write(mirrors)
        with (library / "align/acquisition/obtaining.py").open("a") as patience:
            patience.write("\nPATIENT_TRIES = BRIEF_TRIES\n")  # the last of four dead addresses would take two minutes
        configure(workflow, {}, test_only=[])
        planned = make(workflow, "data", "--dry-run", library=library)
        assert planned.returncode == 0, planned.stdout + planned.stderr
        said = planned.stdout + planned.stderr
        assert [line.split() for line in said.splitlines() if "VLCS.tar.gz  " in line][1:] == [
            ["answers", addresses[0], *f"a file of {len(less):,} bytes".split()],
            ["answers", addresses[1], *f"a file of {len(less):,} bytes".split()],
            ["answers", addresses[2], *f"a file of {len(whole):,} bytes".split()],
        ]
        assert f"  no file  {dead}  " in said
        assert not (workflow / "downloads").exists()
        assert max(request.sent for request in served.requests) < 2, "no file is downloaded"

        asked = make(workflow, "addresses", library=library)
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert f"  answers  {addresses[2]}  a file of {len(whole):,} bytes" in asked.stdout

        done = make(workflow, "data", library=library)
        assert done.returncode == 0, done.stdout + done.stderr
    log = (workflow / "results/logs/download/VLCS/VLCS.tar.gz.log").read_text()
    assert f"{dead}: gave up after 3 tries" in log
    assert [f"{address}: the downloaded file was removed" in log for address in addresses] == [True, True, False]
    assert "in folders …/<domain>/<split>/<class>/ found 32 images, expected 40 as published (8 of 8 numbers differ" in log
    acquisition = json.loads((workflow / "data/VLCS/acquisition.json").read_text())
    assert acquisition["served_by"] == {"VLCS.tar.gz": addresses[2]}
    assert acquisition["archives"] == {"VLCS.tar.gz": hashlib.sha256(whole).hexdigest()}
    assert sorted(path.name for path in (workflow / "downloads/VLCS").iterdir()) == ["VLCS.tar.gz", "VLCS.tar.gz.verified"]
    manifest = pd.read_csv(only(workflow, "results/data/VLCS/*/manifest.csv"))
    assert manifest.groupby(["domain", "class"]).size().to_dict() == dict.fromkeys(names, 5)

    for folder in ("data", "downloads"):
        shutil.rmtree(workflow / folder)
    planned = make(workflow, "data/VLCS", "--dry-run", library=library)
    assert planned.returncode == 0, "all servers are gone, and the plan is made all the same"
    assert planned.stderr.count("  no file  ") + planned.stdout.count("  no file  ") == 4
    asked = make(workflow, "addresses", library=library)
    assert asked.returncode == 1
    assert "VLCS/VLCS.tar.gz: found no address that gives the file now, expected at least one" in asked.stdout + asked.stderr
    done = make(workflow, "data/VLCS", library=library)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert said.count("downloads/VLCS/VLCS.tar.gz: none of 4 addresses gives the expected file") == 1
    assert f"  {addresses[0]}: passed over" not in said
    assert said.count("  http://127.0.0.1") >= 4
    assert "Traceback" not in said
    assert not (workflow / "data").exists()


def test_a_checksum_that_nobody_has_published_is_recorded_and_enforced(workflow):
    domains = SOURCES["domain_net"].domains
    archives = {domain: zipped(domain, labels=("ant", "bat")) for domain in domains}
    with running_server() as server:
        places = {name: {"address": server.serve(f"/{name}.zip", Served(content))} for name, content in archives.items()}
        dataset = {"source": {"domain_net": places}, "root": "data/net", "image_size": 8, "allow_partial": True}
        experiment = {"dataset": "net", "methods": ["erm"], "seeds": [0]}
        (workflow / "my.yaml").write_text(yaml.safe_dump({"datasets": {"net": dataset}, "experiments": {"one": experiment}}))
        done = make(workflow, "splits")
        assert done.returncode == 0, done.stdout + done.stderr
        records = {path.name: path.read_text() for path in (workflow / "checksums/net").iterdir()}
        assert records == {
            f"{name}.zip.sha256": f"{hashlib.sha256(content).hexdigest()}  {name}.zip\n" for name, content in archives.items()
        }
        manifest = pd.read_csv(only(workflow, "results/data/net/*/manifest.csv"))
        assert manifest.groupby(["domain", "class"]).size().to_dict() == {
            (d, label): 3 for d in domains for label in ("ant", "bat")
        }

        for folder in ("data", "downloads"):
            shutil.rmtree(workflow / folder)
        server.served["/sketch.zip"].content = zipped("sketch", labels=("ant", "cow"))
        done = make(workflow, "data/net")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "as recorded at the first download; if the change is intended, remove checksums/net/sketch.zip.sha256" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in (workflow / "downloads/net").iterdir() if path.name == "sketch.zip") == []
    assert not (workflow / "data/net").exists()


def zipped(domain, labels):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for label in labels:
            for number in range(3):
                archive.writestr(f"{domain}/{label}/{domain}_{number}.jpg", jpeg())
    return content.getvalue()


def test_an_empty_folder_is_no_data_set(workflow, vlcs_archive):
    (workflow / "data/VLCS").mkdir(parents=True)  # a mount point, or a pull that was interrupted
    configure(workflow, {"archive": str(vlcs_archive)}, allow_partial=True)
    done = make(workflow, "splits")
    assert done.returncode == 1
    assert "data/VLCS: found no <domain>/<class>/<image> in it" in done.stdout + done.stderr
    assert not [path for path in workflow.glob("results/data/VLCS/**/*") if path.is_file()]


def test_a_file_of_one_s_own_among_the_downloads_is_verified_and_kept(workflow, vlcs_archive):
    mine = workflow / "downloads/VLCS/VLCS.tar.gz"
    mine.parent.mkdir(parents=True)
    shutil.copy(vlcs_archive, mine)
    configure(workflow, {}, allow_partial=True)
    done = make(workflow, "data/VLCS")  # it has not the known checksum
    assert done.returncode == 1
    assert "as published; take it from elsewhere" in done.stdout + done.stderr
    configure(workflow, {"sha256": sha256(vlcs_archive)}, allow_partial=True)
    done = make(workflow, "data/VLCS")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sha256(mine) == sha256(vlcs_archive)


def test_one_folder_for_two_data_sets_is_made_once_or_refused(workflow, vlcs_archive):
    images = {"archive": str(vlcs_archive), "sha256": sha256(vlcs_archive)}
    configure(workflow, images, allow_partial=True)
    content = yaml.safe_load((workflow / "my.yaml").read_text())
    content["datasets"]["smaller"] = content["datasets"]["VLCS"] | {"image_size": SIZE // 2}
    content["experiments"]["two"] = content["experiments"]["one"] | {"dataset": "smaller"}
    (workflow / "my.yaml").write_text(yaml.safe_dump(content))
    done = make(workflow, "data", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Making data/VLCS") == 1
    content["datasets"]["smaller"]["source"] = {"vlcs": {}}
    (workflow / "my.yaml").write_text(yaml.safe_dump(content))
    done = make(workflow, "data", "--dry-run")
    assert done.returncode == 1
    assert "datasets.smaller: found the root of datasets.VLCS, data/VLCS, expected another folder" in done.stdout + done.stderr
