"""What happens between epochs and steps, beside learning."""
