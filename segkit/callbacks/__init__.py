"""What happens around training: pictures, tables, logs, warnings."""
