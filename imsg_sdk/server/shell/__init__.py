"""The command line of ``imsg``: words in, text or JSON lines out.

Begin with ``argv`` (what the words mean) and ``commands`` (what is run once; ``rpc`` is ``imsg_sdk.server.app``).
``help`` are the pages, ``stats_text`` is one of the texts.
"""
