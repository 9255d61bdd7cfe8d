"""Tells a person what is wrong with a value."""

from pydantic_core import ErrorDetails


def problem_text(problem: ErrorDetails) -> str:
    """Return what a check found and what it expected. The text does not name the key."""
    match problem["type"]:
        case "missing":
            return "missing; expected a value"
        case "value_error":
            return str(problem["ctx"]["error"])
    return f"found {problem['input']!r}; {problem['msg'][0].lower()}{problem['msg'][1:]}"
