"""Image and mask files to pixels, and pixels to a size."""
