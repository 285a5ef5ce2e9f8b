"""The clients: verbs over a child process, as records and as frames."""
