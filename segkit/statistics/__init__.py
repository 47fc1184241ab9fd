"""Intervals, paired tests, seeds, and verdicts in words."""
