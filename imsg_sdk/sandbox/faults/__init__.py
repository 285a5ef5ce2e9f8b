"""What goes wrong in the sandbox: each fault by a name, switched on for a while, a number of times, or at a request.

Faults are kept in the world's file and not in a process, so that a child that ended at a request ends again when it
is asked again.  ``fault`` (what all of them have), ``when`` (conditions and counts), ``requests``, ``output``,
``streams``, ``paging``, ``rows``, ``delivery`` and ``files`` (the faults), ``catalogue`` (all by name), ``listed``
(those that are switched on), ``play`` (what one of them has at hand in a child), ``part`` (how they take part there).
"""
