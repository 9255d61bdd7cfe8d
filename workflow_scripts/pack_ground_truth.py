"""Resize the ground-truth masks of one domain into an array, and say which annotations are used."""

from pathlib import Path

from align.datasets.settings import GroundTruth
from align.files import write_json
from align.preparation.ground_truth import Packing, log_account, pack_ground_truth
from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.workflow.jobs import job

with job(snakemake):
    params, domain = snakemake.params, snakemake.wildcards.domain
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    ground_truth = {place: GroundTruth(**truth) for place, truth in params.ground_truth.items()}
    packing = Packing(Path(params.root), params.image_size, params.resize)
    account = pack_ground_truth(packing, manifest, domain, ground_truth, Path(snakemake.output.ground_truth))
    log_account(account, domain)
    write_json(snakemake.output.account, account)
