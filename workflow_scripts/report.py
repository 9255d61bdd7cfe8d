"""Put every table and figure into one HTML page, by Snakemake's own report."""

from pathlib import Path

from align.files import whole_file
from align.workflow.jobs import job, run_snakemake

with job(snakemake), whole_file(snakemake.output[0]) as partial:
    stylesheet = str(Path(snakemake.scriptdir).parent / "report/style.css")
    shown = ("tables", "figures", "verdict")
    run_snakemake(snakemake, *shown, "--report", str(partial), "--report-stylesheet", stylesheet)
