"""Make the masks of the salient objects of one domain."""

import time
from functools import partial
from pathlib import Path

from align.files import sha256, write_json
from align.preparation.packed import read_array
from align.segmentation.salient_object import load_salient_object_model, salient_mask
from align.segmentation.writing import write_masks
from align.workflow.jobs import job
from align.workflow.provenance import versions

with job(snakemake):
    (model,) = map(Path, snakemake.input.model)
    session = load_salient_object_model(model)
    images = read_array(Path(snakemake.input.images), 4)
    start = time.perf_counter()
    without_mask = write_masks(images, partial(salient_mask, session), Path(snakemake.output.masks))
    account = {
        "model": {model.name: sha256(model)},
        "versions": versions(),
        "images": len(images),
        "images_without_mask": without_mask,
        "wall_seconds": round(time.perf_counter() - start, 3),
    }
    write_json(snakemake.output.account, account)
