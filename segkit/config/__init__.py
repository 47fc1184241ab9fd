"""What a configuration may hold; never imports torch."""
