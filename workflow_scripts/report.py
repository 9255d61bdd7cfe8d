"""Put every table and figure into one HTML page, with Snakemake's report."""

from pathlib import Path

from align.files import whole_file
from align.workflow.jobs import job, run_snakemake

with job(snakemake), whole_file(snakemake.output[0]) as partial:
    stylesheet = str(Path(snakemake.input.snakefile).parent / "report/style.css")
    targets = ("tables", "figures", "verdict")
    run_snakemake(snakemake, *targets, "--report", str(partial), "--report-stylesheet", stylesheet)
