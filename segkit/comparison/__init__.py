"""Runs side by side, and what can be concluded."""
