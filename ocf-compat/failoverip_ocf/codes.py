"""Exit codes: those of the OCF resource agent API, and those of the 2011 helper."""

SUCCESS = 0
ERR_GENERIC = 1
ERR_ARGS = 2
ERR_UNIMPLEMENTED = 3
ERR_PERM = 4
ERR_INSTALLED = 5
ERR_CONFIGURED = 6
NOT_RUNNING = 7
# Pacemaker 2.1 and newer: running, but something is amiss. Nothing is restarted.
DEGRADED = 190

HELPER_MINE = 0
HELPER_CANNOT_TELL = 1
HELPER_NOT_MINE = 2
