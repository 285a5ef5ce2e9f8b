"""Watching: messages as they arrive, from any program, through restarts, gaps and silence."""
