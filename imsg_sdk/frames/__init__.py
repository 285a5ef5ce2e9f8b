"""pandas frames, built from the one schema."""
