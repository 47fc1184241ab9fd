"""Objects of one class: each with a label of its own."""
