"""Rows of a Messages database, read and decoded as the programs do it.

Begin with ``reader`` (one row of the table ``message``, decoded).  Below it: ``database`` (the connection: opening,
probing, failing), ``directory`` (chats, handles, participants) and ``instants`` (dates).  Above it, what hangs on a
row: ``attachments``, ``reactions``, ``previews`` with ``folding`` (link previews) and ``pollbook``.  ``objects`` holds
the small results that are neither messages nor chats.
"""
