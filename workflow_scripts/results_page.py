"""Write the results page, and the list of the results of all configurations."""

from pathlib import Path

from align import paths
from align.files import read_json, whole_file
from align.page.content import page_content
from align.page.listing import write_list_of_results
from align.page.render import render_page
from align.verdict.answers import read_answers
from align.workflow.jobs import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    content = page_content(
        params.name,
        read_answers(files.verdict),
        [read_json(path) for path in files.accounts],
        dict(zip(params.tables, map(Path, files.tables))),
        dict(zip(params.figures, map(Path, files.figures))),
        [read_json(path) for path in files.explorers],
        params.left_out,
        params.explorer,
    )
    with whole_file(snakemake.output[0]) as partial:
        partial.write_text(render_page(**content), encoding="utf-8")
    write_list_of_results(Path(paths.RESULTS))
