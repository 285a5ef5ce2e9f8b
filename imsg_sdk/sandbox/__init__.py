"""A make-believe Messages, and histories that never happened."""
