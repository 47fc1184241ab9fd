"""A data set a file: its layout, its classes, its groups."""
