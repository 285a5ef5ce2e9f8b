"""The living part of the sandbox: a Messages that is written to, answers by script, and has a clock of its own.

Many short-lived processes share one world, as many runs of ``imsg`` share one Messages.  So nothing of it lives in a
process: what happened is in ``chat.db``, and what is still to happen, who answers how, what time it is and what goes
wrong is in a file beside it (``state``).

From the bottom: ``state`` (that file), ``ledger`` (rows of ``chat.db``), ``accounts`` (who is who), ``world`` (what
sending, receiving, delivery and reading are) with ``files``, ``links``, ``reactions`` and ``versions``, ``agenda``
(what happens when, and who carries it out), ``deeds`` (what others can do), ``answers`` and ``friendly`` (people who
act by script), ``actions``, ``sender`` and ``refusals`` (what clients ask for), ``events``, ``contacts`` and
``program`` (what else a program tells), ``control`` (the methods ``sandbox.…``), ``child`` (all that behind the
server), ``make`` (a new world).
"""
