"""Milesight: multi-purpose sensors; here the distance sensors of bins."""
