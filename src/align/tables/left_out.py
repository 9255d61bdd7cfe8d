"""A note below a table on the variants that could not be run."""

from collections.abc import Collection, Mapping

from align.methods.naming import method_of, method_title
from align.tables.printing import Block


def with_left_out(block: Block, reasons: Mapping[str, str], methods: Collection[str]) -> Block:
    """Return ``block`` with a note on each variant of ``methods`` that was left out.

    Args:
        block: the block of a table.
        reasons: why a variant was left out, by variant.
        methods: the methods that the block shows.
    """
    remarks = [f"Left out: {method_title(name)}; {reason}." for name, reason in reasons.items() if method_of(name) in methods]
    return block._replace(note=" ".join([block.note, *remarks]))
