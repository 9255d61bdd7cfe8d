"""The results page ``results/<configuration>/index.html``: one file that needs no network."""

from pathlib import Path

TEMPLATE = Path(__file__).parent / "template"
"""The folder of the page's templates, its style and its scripts."""
