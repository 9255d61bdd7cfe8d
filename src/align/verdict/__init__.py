"""The paper's claims, one by one: what is asked of the results, the statistics, and the rule that gives the word."""
