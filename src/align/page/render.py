"""Fills the templates of the results page, of the list of all results, of explained photographs, and of rated masks."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from align.page import TEMPLATE


def render_page(**content: Any) -> str:
    """Return the results page of a configuration. The template ``page.html.jinja`` names the ``content`` that it takes."""
    scripts = {"sortable": _own("sortable.min.js"), "explorer_js": _own("explorer.js")}
    return _render("page.html.jinja", **content, **scripts)


def render_list(pages: Mapping[str, str]) -> str:
    """Return the page that lists all results.

    Args:
        pages: the headline of each configuration, by its name.
    """
    return _render("list.html.jinja", pages=pages)


def render_explanations(**content: Any) -> str:
    """Return the page of explained photographs. The template ``explanations.html.jinja`` names the ``content`` that it takes."""
    return _render("explanations.html.jinja", **content)


def render_rating(**content: Any) -> str:
    """Return the page on which masks are rated. The template ``rating.html.jinja`` names the ``content`` that it takes."""
    return _render("rating.html.jinja", **content, rating_js=_own("rating.js"))


def _render(template: str, **content: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # methods keep their order
    return environment.get_template(template).render(css=_own("page.css"), **content)


def _own(name: str) -> Any:
    """Return one of the template's own files, which is not escaped."""
    return Markup((TEMPLATE / name).read_text(encoding="utf-8"))
