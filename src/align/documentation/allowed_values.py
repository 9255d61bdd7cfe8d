"""The values that a setting takes, in words, from its JSON schema."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`"}


def allowed_values(schema: Mapping[str, Any]) -> str:
    """Return which values ``schema`` allows."""
    if options := schema.get("anyOf"):
        allowed = [allowed_values(option) for option in options if option.get("type") != "null"]
        return " or ".join(allowed) + (", or none" if len(allowed) < len(options) else "")
    if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return _alternatives([f"`{as_written(choice)}`" for choice in choices])
    if "$ref" in schema:
        return "section"
    match schema.get("type"):
        case "array":
            return _list(schema)
        case "object":
            return "a section for each name" if "$ref" in (schema.get("additionalProperties") or ()) else "mapping"
        case "string" if schema.get("format") == "path":
            return "path"
        case kind:
            bounds = " and ".join(f"{sign} {as_written(schema[bound])}" for bound, sign in BOUNDS.items() if bound in schema)
            pattern = f"that matches `{schema['pattern']}`" if "pattern" in schema else ""
            return " ".join(filter(None, (TYPES.get(str(kind), "any value"), bounds, pattern)))


def default_value(schema: Mapping[str, Any], *, required: bool) -> str:
    """Return the default in ``schema``."""
    if required:
        return "required"
    return "none" if schema.get("default") is None else f"`{as_written(schema['default'])}`"


def as_written(value: Any) -> str:
    """Return a value of JSON as a person writes it in YAML."""
    if isinstance(value, list):
        return f"[{', '.join(map(as_written, value))}]"
    if isinstance(value, Mapping) and list(value.values()) == [{}]:
        return str(*value)  # a variant without changes is written as the name of its method
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _list(schema: Mapping[str, Any]) -> str:
    fixed, least = schema.get("prefixItems"), schema.get("minItems")
    items = _alternatives(list(dict.fromkeys(map(allowed_values, fixed or [schema["items"]]))))
    number = f"{len(fixed)} values" if fixed else f"{least} or more" if least else "any number"
    return "list of sections" if items == "section" else f"list, {number}: {items}"


def _alternatives(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
