"""What was asked for and could not be run, said below a table."""

from collections.abc import Collection, Mapping

from align.methods.naming import method_of, method_title
from align.tables.printing import Block


def with_left_out(block: Block, reasons: Mapping[str, str], methods: Collection[str]) -> Block:
    """Return ``block`` with a remark on every variant of ``methods`` that was left out, by variant in ``reasons``."""
    remarks = [f"Left out: {method_title(name)}; {reason}." for name, reason in reasons.items() if method_of(name) in methods]
    return block._replace(note=" ".join([block.note, *remarks]))
