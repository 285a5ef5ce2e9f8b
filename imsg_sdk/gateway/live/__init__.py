"""The running gateway: one loop in one thread, from the notification to the settled reply.

The rules live beside this package and are pure; what is here has a clock, a program and a journal.  Nothing here
knows pandas.
"""
