"""Scores of a split, their tables, pictures and report."""
