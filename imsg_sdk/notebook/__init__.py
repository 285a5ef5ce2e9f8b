"""What notebooks need and scripts do not."""
