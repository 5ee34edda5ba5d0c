"""Stand-ins with state and faults, for tests, demos and drills.

Each keeps its state machine pure (no sockets, time is an argument) and puts a thin server around
it. May not be imported by anything that runs in production: only `cli` stands above it.
"""
