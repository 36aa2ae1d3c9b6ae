"""The map page of the communes: French, read-only, on loopback. It reads the store and the territory, nothing else."""
