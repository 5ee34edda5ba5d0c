"""What all tests share: the fixtures of the real control plane, which costs nothing until used."""

# The second imports the first.
pytest_plugins = ["tests.support.used_rights", "tests.controlplane.fixtures"]
