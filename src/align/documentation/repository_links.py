"""Links of the documents to files of the repository, which the site does not have."""

import posixpath
import re

LINK = re.compile(r"\[(?P<label>[^\]]+)\]\((?P<target>[^)\s#:]+)(?:#[^)\s]*)?\)")
FENCED = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)


def without_repository_links(markdown: str, page: str) -> str:
    """Return a page in which each link to a file outside of ``docs/`` is the file's path, as code.

    A file's path in the repository is true wherever the reader has it. The project has no address that a link could lead to.

    Args:
        markdown: the page's text.
        page: its path in ``docs/``.
    """

    def unlinked(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link["target"]))
        if path.startswith("docs/"):
            return link[0]
        label = link["label"]
        return f"`{path}`" if path.endswith(label.strip("`/")) else f"{label} (`{path}`)"

    parts = FENCED.split(markdown)  # every second part is a block of code
    return "".join(part if number % 2 else LINK.sub(unlinked, part) for number, part in enumerate(parts))
