"""Make the table of all data sets, from their listings."""

from pathlib import Path

from align.files import read_json
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.results.collect import read_results
from align.tables.data import DatasetCounts, data
from align.tables.writing import write_table
from align.workflow.jobs import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    listed = {
        name: DatasetCounts(
            read_listing(Path(splits), SPLITS_COLUMNS),
            *map(read_results, tables),
            acquisition=read_json(acquisition),
            ground_truth={domain: read_json(account) for domain, account in params.ground_truth[name].items()},
        )
        for name, splits, acquisition, *tables in zip(
            *(params.datasets, files.splits, files.acquisitions, files.counts, files.passed_over, files.duplicates)
        )
    }
    write_table(data(listed), **dict(snakemake.output.items()))
