"""What answers are made of: one open database, asked as the methods ask.

Begin with ``store`` (the class :class:`~imsg_sdk.server.store.store.Store`: one method for each question).  Behind it:
``messages`` and ``chats`` (the objects), ``timeline`` (history and pages), ``arrivals`` (what a subscription sees),
``search``, ``stats`` with ``zones``, ``sending`` (what became of a message) and ``extended`` (the key ``x``).
Nothing here knows requests, params or threads of the server; how rows are decoded is in ``imsg_sdk.server.rows``.
"""
