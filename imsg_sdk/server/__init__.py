"""An ``imsg``-compatible server over any chat.db."""
