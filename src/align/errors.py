"""The one error that a user can cause and repair."""


class InputError(ValueError):
    """Bad input: the message says what was found, what was expected and what to do, and names the file."""
