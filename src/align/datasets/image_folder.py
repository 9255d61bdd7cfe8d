"""Listing the images of a data set, a folder ``<root>/<domain>/<class>/*.{jpg,jpeg,png}``."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from align.datasets.decoding import read_rgb
from align.datasets.folders import find_domains, is_image
from align.errors import InputError

LISTED_PROBLEMS = 10  # a message names no more


def index(root: Path, domains: Sequence[str] | None = None, classes: Sequence[str] | None = None) -> pd.DataFrame:
    """Decode every image of a data set in full and return their list.

    Args:
        root: the data set's folder. Links in it are followed, hidden files are ignored.
        domains: the domains to use; by default all that :func:`~align.datasets.folders.find_domains` finds.
        classes: the classes to use; by default every class of any domain.

    Returns:
        Columns path (relative to ``root``, POSIX), domain, class, sha256; sorted by domain, class, path.

    Raises:
        InputError: there is no such folder, a domain has no images of a class, or images cannot be used; the message names them.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: found no such folder, expected <domain>/<class>/ with images in it; correct `root:`")
    domains = sorted(domains or find_domains(root))
    classes = sorted(classes or {folder.name for name in domains for folder in (root / name).glob("[!.]*") if _images(folder)})
    if not domains or not classes:
        raise InputError(
            f"{root}: found no <domain>/<class>/ with .jpg, .jpeg or .png images in it; correct `root:`, or remove the folder, "
            "so that its source makes it again"
        )
    _require_every_class(root, domains, classes)
    rows, problems = [], []
    for domain in domains:
        for label in classes:
            for name in _images(root / domain / label):
                try:
                    name.encode()
                    rows.append((f"{domain}/{label}/{name}", domain, label, read_rgb(root / domain / label / name)[1]))
                except InputError as error:
                    problems.append(str(error))
                except UnicodeEncodeError:
                    problems.append(f"{root / domain / label}: found a file name that is not UTF-8 ({name!r}); rename it")
    _require_no_problems(root, problems)
    return pd.DataFrame(rows, columns=["path", "domain", "class", "sha256"])


def _images(folder: Path) -> list[str]:
    """Return the names of the images in ``folder``. Broken links count too, so that they are reported."""
    return sorted(path.name for path in folder.glob("*") if is_image(path) and not path.is_dir())


def _require_every_class(root: Path, domains: Sequence[str], classes: Sequence[str]) -> None:
    missing = {domain: [label for label in classes if not _images(root / domain / label)] for domain in domains}
    problems = [
        f"  domain {domain!r}: found no images in {', '.join(f'{c}/' for c in gone)}" for domain, gone in missing.items() if gone
    ]
    if problems:
        raise InputError(
            f"{root}: expected images of every class ({', '.join(classes)}) in every domain\n"
            + "\n".join(problems)
            + "\n  add images, or choose with `domains:` and `classes:`"
        )


def _require_no_problems(root: Path, problems: Sequence[str]) -> None:
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems[:LISTED_PROBLEMS])
        rest = len(problems) - LISTED_PROBLEMS
        more = f"\n  … and {rest} more" if rest > 0 else ""
        raise InputError(f"{root}: found {len(problems)} images that cannot be used:\n{listed}{more}")
