"""Every object by itself: a label image."""
