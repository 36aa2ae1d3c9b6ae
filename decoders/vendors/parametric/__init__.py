"""Parametric: radar counters."""
