"""What every room stands on: errors, records, files, limits, hardware, names in a run folder."""
