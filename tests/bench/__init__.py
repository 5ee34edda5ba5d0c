"""`make bench`: what the operator costs and how fast it is, on the real control plane.

Measures and tells; decides nothing, and no test depends on a figure. Each measure has a control
plane of its own and runs alone, so that none disturbs another. Ratios compare with something that
was measured in the same run on the same machine.
"""
