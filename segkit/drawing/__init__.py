"""Overlays, panels, plots and pages."""
