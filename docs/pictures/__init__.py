"""The pictures of these pages, made from runs and real data: ``make docs-pictures``."""
