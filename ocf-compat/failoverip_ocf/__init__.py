"""The Pacemaker agents: an API that cannot be reached moves, restarts and bans nothing.

May not import a package: Python 3.11 is all that a node has.
"""
