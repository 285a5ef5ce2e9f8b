"""What each method does with its params.

Begin with ``reads`` (all that only read).  ``mutations`` with ``checks`` are those that change something, as far as
the sender; ``subscriptions`` starts and ends streams, which ``watcher`` feeds as ``wakeups`` tell it to look.
"""
