"""Where the API server is and how we prove who we are: a kubeconfig or the ServiceAccount's files.

The official client reads both; what it says about a broken file may quote a token, so its
messages are replaced by our own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_kube_config
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)

from failoverip.kube.errors import KubeconfigError

# What the official loader raises for files that are not what they should be.
_LOADER_ERRORS = (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """How to reach the API server, as plain values; repr shows no secret.

    `scheme` and `token` make the Authorization header; both are empty with a client certificate.
    """

    server: str
    ca_path: str | None = None
    certificate_path: str | None = None
    private_key_path: str | None = None
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = field(default=None, repr=False)  # may hold a password
    scheme: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def authorization(self) -> str:
        """The header's value, empty when there is none."""
        return f"{self.scheme} {self.token}" if self.token else ""

    @property
    def server_host(self) -> str:
        """Name or address of the API server, without port."""
        return urlsplit(self.server).hostname or ""

    def configuration(self) -> Configuration:
        """For the official client's transport: no retries, no authentication of its own."""
        return Configuration(
            host=self.server,
            ssl_ca_cert=self.ca_path,
            cert_file=self.certificate_path,
            key_file=self.private_key_path,
            verify_ssl=not self.insecure,
            tls_server_name=self.tls_server_name,
            proxy=self.proxy_url,
            retries=None,
        )


class Source(Protocol):
    """Something that can tell, now, how to connect. Read again as tokens rotate."""

    async def load(self) -> ConnectionInfo:
        """KubeconfigError when it cannot be used."""
        ...


@dataclass(frozen=True, slots=True)
class KubeconfigFile:
    """A kubeconfig path, or several joined by `:` as in KUBECONFIG."""

    paths: str

    async def load(self) -> ConnectionInfo:
        """Read the current context; raises KubeconfigError."""
        self._check_files()
        configuration = Configuration()
        configuration.host = ""
        try:
            await load_kube_config(  # type: ignore[no-untyped-call]  # ships no types here
                config_file=self.paths, client_configuration=configuration, persist_config=False
            )
        except _LOADER_ERRORS as error:
            raise KubeconfigError(self._unusable(error)) from None
        return _connection(configuration, f"kubeconfig {self.paths}")

    def _check_files(self) -> None:
        present = 0
        for path in filter(None, self.paths.split(os.pathsep)):
            present += _is_yaml_mapping(path)
        if not present:
            raise KubeconfigError(
                f"kubeconfig {self.paths}: there is no such file; set --kubeconfig or KUBECONFIG "
                "to one that exists"
            )

    def _unusable(self, error: Exception) -> str:
        # Only this message of the loader holds nothing but a path.
        missing = str(error) if str(error).startswith("File does not exist") else ""
        reason = missing or "the current context names no usable cluster and user"
        return (
            f"kubeconfig {self.paths}: {reason}; check current-context, contexts, clusters and "
            "users, or try the file with kubectl"
        )


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The files that the kubelet projects into a pod."""

    environ: Mapping[str, str]
    token_path: str = SERVICE_TOKEN_FILENAME
    ca_path: str = SERVICE_CERT_FILENAME

    async def load(self) -> ConnectionInfo:
        """Read the token as it is now; raises KubeconfigError."""
        configuration = Configuration()
        loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]  # as above
            token_filename=self.token_path,
            cert_filename=self.ca_path,
            try_refresh_token=False,
            environ=self.environ,
        )
        try:
            loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # as above
        except _LOADER_ERRORS:
            raise KubeconfigError(
                f"ServiceAccount files {self.token_path} and {self.ca_path} cannot be used; leave "
                "automountServiceAccountToken on, or set --kubeconfig outside of a pod"
            ) from None
        return _connection(configuration, "in-cluster configuration")


def find_source(kubeconfig: str | None, environ: Mapping[str, str]) -> Source:
    """`kubeconfig` if named (else $KUBECONFIG), the pod's ServiceAccount otherwise.

    Raises KubeconfigError when there is neither.
    """
    paths = kubeconfig or environ.get("KUBECONFIG")
    if paths:
        return KubeconfigFile(paths)
    if environ.get(SERVICE_HOST_ENV_NAME):
        return ServiceAccount(environ)
    raise KubeconfigError(
        "no way to the API server: set --kubeconfig or KUBECONFIG to a kubeconfig file, or run "
        "in a pod with a ServiceAccount"
    )


def _is_yaml_mapping(path: str) -> bool:
    """False when absent, as kubectl skips it; KubeconfigError when it is there and unreadable."""
    try:
        document = yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except yaml.YAMLError as error:
        # The parser's own text quotes the line, which may hold a token.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise KubeconfigError(f"kubeconfig {path}: not YAML{where}; correct it") from None
    except (OSError, UnicodeDecodeError) as error:
        text = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise KubeconfigError(
            f"kubeconfig {path}: cannot be read ({text}); check the path and its permissions"
        ) from None
    if not isinstance(document, dict):
        raise KubeconfigError(f"kubeconfig {path}: holds no clusters and users; is it empty?")
    return True


def _connection(configuration: Configuration, origin: str) -> ConnectionInfo:
    header = str(configuration.api_key.get("BearerToken", ""))
    scheme, _, token = header.partition(" ")
    connection = ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        insecure=not configuration.verify_ssl,
        tls_server_name=configuration.tls_server_name,
        proxy_url=configuration.proxy,
        scheme="Bearer" if scheme.lower() == "bearer" else scheme,
        token=token.strip(),
    )
    _check_server(connection, origin)
    return connection


def _check_server(connection: ConnectionInfo, origin: str) -> None:
    url = urlsplit(connection.server)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise KubeconfigError(f"{origin}: cluster.server is no URL; write https://HOST:PORT")
    if url.scheme == "http" and not _is_loopback(url.hostname):
        raise KubeconfigError(
            f"{origin}: cluster.server is http, which would show the token to the network; "
            "use https (http is allowed only for loopback)"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
