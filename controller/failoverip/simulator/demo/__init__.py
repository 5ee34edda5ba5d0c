"""`failoverip demo`: the main job in under a minute, with nothing but this program.

The operator runs as processes, as in a cluster; Kubernetes, Robot and the nodes are stand-ins with
shortened times. `story` tells what happens and waits for it, `stage` holds what it happens on,
`verdict` (pure) says whether it went well, `timeline` and `report` print.

May not decide anything in the operator's place, nor print a number that was not measured.
"""
