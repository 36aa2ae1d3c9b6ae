"""Figures of this machine, by the commands that the README names."""
