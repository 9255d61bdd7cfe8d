"""The page that lists the results of all configurations: ``results/index.html``."""

import re
from html import unescape
from pathlib import Path

from align.files import whole_file
from align.page.render import render_list

HEADLINE = re.compile(r'<h1 id="headline">(.*?)</h1>', re.DOTALL)


def write_list_of_results(results: Path) -> None:
    """Write ``index.html`` in ``results``, with each configuration that has a results page and that page's headline.

    No rule declares the file, because all configurations share it.
    """
    pages = {page.parent.name: page.read_text(encoding="utf-8") for page in sorted(results.glob("*/index.html"))}
    headlines = {name: unescape(found[1]) for name, text in pages.items() if (found := HEADLINE.search(text))}
    with whole_file(results / "index.html") as partial:
        partial.write_text(render_list(headlines), encoding="utf-8")
