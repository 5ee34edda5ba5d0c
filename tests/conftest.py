"""What all tests share: the fixtures of the real control plane, which costs nothing until used."""

pytest_plugins = ["tests.controlplane.fixtures"]
