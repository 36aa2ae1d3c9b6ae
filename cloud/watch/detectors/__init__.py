"""The verdicts: each a pure function of what was read, what is declared, and now."""
