"""From findings to people: one engine that raises, repeats, escalates and clears; a journal; messages that arrive."""
