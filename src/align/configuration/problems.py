"""What is wrong with a value, in words that a person can act on."""

from pydantic_core import ErrorDetails


def described(problem: ErrorDetails) -> str:
    """Return what a check found and expected, without where."""
    match problem["type"]:
        case "missing":
            return "missing; expected a value"
        case "value_error":
            return str(problem["ctx"]["error"])
    return f"found {problem['input']!r}; {problem['msg'][0].lower()}{problem['msg'][1:]}"
