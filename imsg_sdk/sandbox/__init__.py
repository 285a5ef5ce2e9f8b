"""A make-believe Messages: histories that never happened, and a world that goes on from them.

``dice`` is chance that falls alike everywhere, ``body`` and ``archive`` are Apple's formats, ``schema`` and
``database`` tables and rows as Messages writes them, ``people`` a cast of nobody real.  On these stand ``history``
(a whole past, written into a new file), ``world`` (the present: sending, answers, time) and ``faults`` (what goes
wrong).
"""
