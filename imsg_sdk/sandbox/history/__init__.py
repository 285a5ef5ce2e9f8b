"""Histories that never happened, written into new databases.

From the bottom: ``plays`` and ``script`` (who says what), ``media`` (files that people send), ``conversation`` with
``touches`` and ``acts`` (a chat as it goes on), ``chats`` and ``plan`` (who writes with whom, how much and when),
``generate`` and ``demo`` (a whole history), ``awkward`` (rows that break readers), ``wal`` (a log that was not moved
into the file).
"""
