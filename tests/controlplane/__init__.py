"""A real Kubernetes control plane for the end-to-end tests, and the faults that they inject.

etcd, kube-apiserver, kube-controller-manager and kubectl are built once from `go.mod` here. Nodes
are pretend kubelets; proxies stand between one replica and its API server. Nothing here imports
`failoverip`: the rig must not share a mistake with what it tests.
"""
