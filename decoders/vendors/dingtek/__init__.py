"""Dingtek: level sensors of bins and containers."""
