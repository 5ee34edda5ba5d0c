"""The Pacemaker agents: an API that cannot be reached moves, restarts and bans nothing.

Job: answer Pacemaker from local evidence and from what Robot says. May not read "cannot tell" as
"not mine", show a secret, or import a package: Python 3.11 is all that a node has. There is no
intent and no fence here: quorum and fencing stand in for both.

A line may import the lines below it, never those above::

    agent | helper     one action: gather facts, decide, carry out
    starting           a start: read, switch, read until it is confirmed
    asking             what Robot says, within deadline and budget
    books | section    the requests spent; what an account's resources share
    decide             facts in, exit code and reason out
    state | cluster    the runtime directory; node attributes, the size of the cluster
    parameters | cache values and their text

Start-up is part of every monitor, so what a cached answer needs imports next to nothing: no
dataclasses, enums or `json` in those modules, and `asking`, which costs 60 ms of CPU, only where
Robot is asked.
"""
