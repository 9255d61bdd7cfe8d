"""The files of a table."""

from pathlib import Path

from align.files import whole_file
from align.tables.printing import Table, html_page, latex, markdown


def write_table(table: Table, csv: Path | str, md: Path | str, tex: Path | str, html: Path | str) -> None:
    """Write a table as tidy CSV and as Markdown, LaTeX and HTML; each file is written whole or not at all."""
    with whole_file(csv) as partial:
        table.data.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
    printed = {md: markdown(table.blocks), tex: latex(table.blocks), html: html_page(table.blocks)}
    for path, text in printed.items():
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8")
