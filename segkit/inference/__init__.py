"""A network and an image of any size, to an answer and its files."""
