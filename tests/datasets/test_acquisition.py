"""The real commands, from an archive at an address or on this machine to packed data."""

import hashlib
import io
import json
import shutil
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import copy_workflow, run_snakemake
from file_server import Served, running_server
from test_terra_incognita import NAMES, annotation_archive, annotation_file, image_archive, jpeg

from align.datasets import SOURCES

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


def make(folder, *targets):
    return run_snakemake(folder, *targets, "--configfile", "my.yaml")


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
    assert not (workflow / "results/data/VLCS/splits.csv").exists()
    assert served.resumed
    assert sum(request.sent for request in served.resumed) < len(content), "only the rest was asked for"

    configure(workflow, images, allow_partial=True)
    done = make(workflow, "data", "results/tables/data.md")  # the server is gone: what has arrived is used
    assert done.returncode == 0, done.stdout + done.stderr
    assert sha256(workflow / "downloads/VLCS/VLCS.tar.gz") == sha256(vlcs_archive)
    with tarfile.open(vlcs_archive) as archive:
        members = sorted(name.removeprefix("VLCS/") for name in archive.getnames())
    assert list(pd.read_csv(workflow / "results/data/VLCS/manifest.csv")["path"]) == members
    for domain in ("Caltech101", "LabelMe", "SUN09", "VOC2007"):
        packed = np.load(workflow / f"results/data/VLCS/{domain}.npy", mmap_mode="r")
        assert packed.shape == (sum(name.startswith(domain) for name in members), SIZE, SIZE, 3)
    table = (workflow / "results/tables/data.md").read_text()
    assert "Warning: not the published data set" in table
    assert "| VOC2007 | 25 | 15 | 5 | 5 | 3,376 | -3,351 |" in table

    shutil.rmtree(workflow / "downloads")  # 10 GB that nobody needs any more
    configure(workflow, {"archive": "gone.tar.gz"}, allow_partial=True)
    again = make(workflow, "data", "results/tables/data.md")
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
    assert "data/VLCS: found other files than when they were listed; remove results/data/VLCS/manifest.csv" in changed.stderr


def test_from_an_archive_on_this_machine(workflow, vlcs_archive):
    configure(workflow, {"archive": str(vlcs_archive), "sha256": sha256(vlcs_archive)}, allow_partial=True)
    done = make(workflow, "splits")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (workflow / "downloads/VLCS/VLCS.tar.gz").exists(), "a copy has gigabytes"
    acquisition = json.loads((workflow / "data/VLCS/acquisition.json").read_text())
    assert acquisition["archives"] == {"VLCS.tar.gz": sha256(vlcs_archive)}
    assert json.loads((workflow / "data/VLCS/acquisition.json").read_text())["images"] == len(
        pd.read_csv(workflow / "results/data/VLCS/splits.csv")
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
    traps = {"source": {"terra_incognita": places}, "root": "data/traps", "image_size": 8}
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
    done = make(workflow, "data", "results/tables/data.md")
    assert done.returncode == 0, done.stdout + done.stderr
    cells = pd.read_csv(workflow / "results/data/traps/manifest.csv").groupby(["domain", "class"]).size()
    assert cells.to_dict() == {
        (f"L{location}", label): 5 - ((location, label) == (100, "dog")) for location in (38, 43, 46, 100) for label in labels
    }
    table = (workflow / "results/tables/data.md").read_text()
    assert "Left out, image names several of the ten classes: 1." in table
    assert "Warning: the archive lacks 1 of the images that are listed for it, and the configuration allows it." in table
    assert "Published by DomainBed: 24,788. Difference: -24,729. Images by DomainBed rule: 61." in table


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
        manifest = pd.read_csv(workflow / "results/data/net/manifest.csv")
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
    assert "data/VLCS: found no <domain>/<class>/ with .jpg" in done.stdout + done.stderr
    assert not (workflow / "results/data/VLCS").exists() or not any((workflow / "results/data/VLCS").iterdir())


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
