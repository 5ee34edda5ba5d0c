"""A name in DNS, or in a file that a resolver reads: pure parts, and the doors to both.

May not know OCF: what a failure means for an action is decided by the agent.
"""
