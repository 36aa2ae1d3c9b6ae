"""How well the watch sees, and how fast: simulated readings whose truth is known and no broker."""
