"""The paper's claims: where each is tested, the paired differences, and the rule that gives the word."""
