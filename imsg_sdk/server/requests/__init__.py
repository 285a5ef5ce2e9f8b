"""A request from its bytes to checked params, and the way of its answer.

Begin with ``envelope`` (a line in, a line out), then ``tables`` (what every method takes, as data) and ``params`` (how
that is read, with ``bounds`` and ``integers``).  ``targets`` finds the chat or the recipient that a request means;
``lanes`` says who works on it, ``output`` writes what comes of it.
"""
