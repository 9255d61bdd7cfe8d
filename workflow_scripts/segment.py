"""Make the foreground masks of one domain with Segment Anything."""

import time
from pathlib import Path

from align.files import sha256, write_json
from align.preparation.packed import read_array
from align.segmentation.segment_anything import load_segment_anything, segment_domain
from align.segmentation.settings import SegmentAnythingSettings
from align.workflow.jobs import torch_job
from align.workflow.provenance import versions

with torch_job(snakemake) as device:
    settings = SegmentAnythingSettings(**snakemake.params.settings)
    model, processor = load_segment_anything(settings.checkpoint, device)
    images = read_array(Path(snakemake.input.images), 4)
    start = time.perf_counter()
    without_mask = segment_domain(model, processor, images, settings, Path(snakemake.output.masks))
    account = {
        "settings": snakemake.params.settings,
        "checkpoint": {Path(path).name: sha256(path) for path in snakemake.input.checkpoint},
        "versions": versions(),
        "device": device.type,
        "images": len(images),
        "images_without_mask": without_mask,
        "wall_seconds": round(time.perf_counter() - start, 3),
    }
    write_json(snakemake.output.account, account)
