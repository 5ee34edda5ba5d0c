"""The operator in a world of virtual time, made from a seed, that tries to break its promises.

One thread and one event loop hold the clock, the Kubernetes API, Robot, the nodes and two or three
replicas of the shipped reconciler, election and ledger. `script` (pure) draws what goes wrong from
the seed, `acts` lets it go wrong, and a judge outside the replicas, which imports nothing of
`core`, holds the invariants against what it saw. A seed and a commit give the same bytes again.

No real sockets, no wall clock, no global randomness. May not change what the operator does:
nothing here reaches into it but through the doors that it has.
"""
