"""Put every table and figure into one HTML page, with Snakemake's report."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from align.files import whole_file
from align.workflow.jobs import job, run_snakemake

with job(snakemake), whole_file(snakemake.output[0]) as partial, TemporaryDirectory() as folder:
    # Snakemake would take `$NAME` in the path of a stylesheet for a variable.
    stylesheet = shutil.copy(Path(snakemake.input.snakefile).parent / "report/style.css", folder)
    targets = ("tables", "figures", "verdict")
    run_snakemake(snakemake, *targets, "--report", str(partial), "--report-stylesheet", stylesheet)
