"""What MkDocs calls for each page of the site: see ``hooks`` in ``mkdocs.yml``."""

import re
from typing import Any

from align.documentation.metric_pages import metrics_reference
from align.documentation.repository_links import without_repository_links
from align.documentation.settings_tables import section_settings, settings_reference

MARKER = re.compile(r"<!-- (?P<what>settings|metrics)(?: (?P<place>\S+))? -->")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return a page with its tables in the places of their markers, and without links to files that the site does not have."""
    return without_repository_links(MARKER.sub(_made, markdown), page.file.src_uri)


def _made(marker: re.Match[str]) -> str:
    if marker["what"] == "metrics":
        return metrics_reference()
    return section_settings(marker["place"]) if marker["place"] else settings_reference()
