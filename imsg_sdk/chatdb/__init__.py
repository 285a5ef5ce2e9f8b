"""Reading a ``chat.db`` file: what is stored, and what it means.  No protocol, no pandas."""
