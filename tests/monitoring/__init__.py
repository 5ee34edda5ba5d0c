"""The rules, the dashboard and the runbooks, checked with Prometheus' own tools."""
