"""The formats of image files: one file each."""
