"""The documentation site: it builds without a warning, and its pages load nothing from elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_repository import ROOT

pytestmark = pytest.mark.skipif(find_spec("material") is None, reason="mkdocs-material is not installed")
ELSEWHERE = re.compile(r"(https?:)?//")
# What a browser loads by itself, and the attribute that names it. A link that a reader may follow is none.
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "object": "data", "link": "href"}
IN_STYLES = re.compile(r"""(?:url\(|@import )\s*["']?((?:https?:)?//[^"')]+)""")


class Loads(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name == LOADED.get(tag) and value]


def loads(page):
    parser = Loads()
    parser.feed(page)
    return parser.addresses + IN_STYLES.findall(page)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_document_is_a_page(site):
    documents = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {path.relative_to(site) for path in site.rglob("*.html")} == documents | {Path("404.html")}


def test_no_page_loads_anything_from_elsewhere(site):
    pages = [path for suffix in ("html", "css") for path in site.rglob(f"*.{suffix}")]
    assert len(pages) > 30
    found = {
        str(path.relative_to(site)): addresses
        for path in pages
        if (addresses := [address for address in loads(path.read_text()) if ELSEWHERE.match(address)])
    }
    assert not found


@pytest.mark.parametrize(
    "page", ['<script src="https://x.org/y.js">', '<link href="//x.org/y.css">', "<style>a { src: url(https://x.org/y) }</style>"]
)
def test_what_comes_from_elsewhere_is_found(page):
    assert [address for address in loads(page) if ELSEWHERE.match(address)]


def test_no_marker_is_left(site):
    left = [str(path) for path in site.rglob("*.html") if re.search(r"<!-- (settings|metrics)", path.read_text())]
    assert not left


def test_tables_from_the_code_are_on_the_pages(site):
    assert "<code>eligible_from</code>" in (site / "configuration.html").read_text()
    assert "<code>masked_fraction</code>" in (site / "methods/sgt.html").read_text()
    assert "<code>learned_mask_iou</code>" in (site / "metrics.html").read_text()
