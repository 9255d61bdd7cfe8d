"""ALIGN with other masks than the learned ones, and without guidance, with the paper's numbers."""

import pandas as pd

from align.configuration.runs import LeftOut
from align.results.collect import study_rows
from align.results.published import published_values
from align.results.summary import AVERAGE
from align.results.titles import plain, setting_title
from align.tables.columns import Column, by_dataset_and_protocol, column_summary, with_headings
from align.tables.left_out import with_left_out
from align.tables.method_block import method_block
from align.tables.printing import Table
from align.tables.published import with_paper

CAPTION = """
ALIGN with other masks in place of the learned ones:

- *w/o EG*: no masks, and so no explanation guidance
- *m-Gray*: the grey level of the image
- *m-SAM*: masks of Segment Anything
- *m-Salient*: masks of a network that finds the salient object of any image (not in the paper)
- the true masks, if they are known: an upper bound
- two controls: smooth noise, and a disc in the middle

Values are means ± standard deviations over seeds. In each column, what cannot be told from the best is bold. Columns
marked *in* are of the training domain. Columns marked *out* are the mean over the other domains. Rows named *paper* give
the paper's number.
The paper prints one AUC and does not say which, so its number stands in both columns of an AUC. Below each table stands
what could not be run, and why.
"""

COLUMNS = (
    Column("accuracy", "in"),
    Column("auc", "in"),
    Column("insertion_auc", "in"),
    Column("accuracy", "out"),
    Column("macro_accuracy", "in"),
    Column("macro_accuracy", "out"),
    Column("sufficiency", "in"),
    Column("comprehensiveness", "in"),
)
METHODS = ("align", "align-plus")


def masker_ablation(metrics: pd.DataFrame, published: pd.DataFrame, left_out: LeftOut) -> Table:
    """Return a block for each data set, protocol and source domain: maskers × measures.

    Where there are several source domains, a block of their average follows.

    Args:
        metrics: ``metrics.csv``.
        published: ``reference/align_paper.csv``.
        left_out: why variants could not be run, by data set and variant.
    """
    data = column_summary(study_rows(metrics, "masker_ablation"), COLUMNS)
    data["target_domain"] = data["source_domain"].where(data["distribution"] == "in", "others")
    known = published[published["setting"] == "masker ablation"]
    data["published"] = published_values(data, known, {place: place for place in ("source_domain", "target_domain")})
    blocks = []
    for (dataset, protocol), rows in by_dataset_and_protocol(data):
        sources = dict(list(rows.groupby("source_domain", sort=False)))
        if len(sources) == 2:  # one source domain, and its average, which says the same
            del sources[AVERAGE]
        for source, summary in sources.items():
            trained = "average over source domains" if source == AVERAGE else f"trained on {plain(source)}"
            block = method_block(f"{setting_title(dataset, protocol)}: {trained}", with_headings(summary), "column", str)
            block = with_paper(block, with_headings(summary), "column")
            blocks.append(with_left_out(block, left_out.get(str(dataset), {}), METHODS))
    return Table(data, blocks)
