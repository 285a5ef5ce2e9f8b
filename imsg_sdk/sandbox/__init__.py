"""A make-believe Messages, and histories that never happened.

From the bottom: ``dice`` (chance that falls alike everywhere), ``body`` and ``archive`` (Apple's formats), ``schema``
and ``database`` (tables, and rows as Messages writes them), ``people``, ``plays`` and ``script`` (who says what),
``conversation`` with ``touches`` and ``acts`` (a chat as it goes on), ``chats`` and ``plan`` (who writes with whom,
how much and when), ``generate`` and ``demo`` (a whole history).
"""
