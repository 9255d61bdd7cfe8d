"""The program ``align``: what comes after training. Each command reads its arguments and calls one function."""
