"""Results: collecting them into one table, averages and seed summaries, and published numbers beside them."""
