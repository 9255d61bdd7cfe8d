"""What came out: where results are, reading and collecting them, their means, and the published numbers beside them."""
