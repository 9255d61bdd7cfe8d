"""Resize the masks of one domain that lie in folders into an array, and say which annotations are used."""

from pathlib import Path

from align.datasets.settings import GroundTruth
from align.files import write_json
from align.preparation.ground_truth import Packing, log_account, pack_ground_truth
from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.workflow.jobs import job

with job(snakemake):
    params, domain = snakemake.params, snakemake.wildcards.domain
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    entries = {place: GroundTruth(**entry) for place, entry in params.entries.items()}
    packing = Packing(Path(params.root), params.image_size, params.resize)
    account = pack_ground_truth(packing, manifest, domain, entries, Path(snakemake.output.masks), params.soft)
    log_account(account, domain)
    write_json(snakemake.output.account, account)
