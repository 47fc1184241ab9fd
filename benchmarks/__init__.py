"""What segkit is held against, and how cost grows: parts that only a checkout can measure."""
