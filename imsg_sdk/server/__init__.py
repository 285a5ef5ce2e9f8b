"""An ``imsg``-compatible server over any chat.db.

Begin with ``__main__`` (the words of the command line) and ``app`` (``imsg rpc``, from the first line to the last
answer).  A request then goes down through the rooms ``requests`` (read and checked), ``methods`` (carried out),
``store`` (what answers are made of) and ``rows`` (what is in the file); ``shell`` holds the other commands.

Beside them: ``source`` (the file's life: missing, replaced, gone), ``senders`` and ``extension`` (where the sandbox
takes part), ``dialect``, ``faults`` (errors as they are answered) and ``paths``.
"""
