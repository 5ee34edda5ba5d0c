"""What Pacemaker hands to an agent in its environment, as values.

Nothing here raises: what is wrong is a sentence in `problems`, and the action decides what that
means for it.
"""

from __future__ import annotations

from failoverip_ocf.call import Call, shown

# `typing` would cost every monitor 12 ms of CPU; type checkers know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CREDENTIALS = "/etc/failoverip/credentials"
DEFAULT_ROBOT_URL = "https://robot-ws.your-server.de"


class Parameters(Call):
    """One call of an agent. `ip` is canonical, and empty when there is none that can be used."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.problems: list[str] = []
        self.ip = self._ip()
        self.script = self.text("script")
        self.credentials = self.text("credentials") or DEFAULT_CREDENTIALS
        self.server = self._server()
        self.interface = self._interface()
        self.reuse_seconds = self._reuse_seconds()
        self.robot_url = self.text("robot_url") or DEFAULT_ROBOT_URL
        self.ca_file = self.text("ca_file") or None
        self.textfile_directory = self._path("textfile_directory")
        self.instance = environment.get("OCF_RESOURCE_INSTANCE", "") or self.ip
        self.attribute_node = _attribute_node(environment)

    def _ip(self) -> str:
        text = self.text("ip")
        if not text:
            self.problems.append("ip: is missing; set it to the failover address")
            return ""
        try:
            return canonical(text)
        except ValueError:
            self.problems.append(
                f"ip: {shown(text)} is not an IP address; write it like 203.0.113.10"
            )
            return ""

    def _server(self) -> str:
        text = self.text("server")
        if not text or (text.isascii() and text.isdecimal()):
            return text
        try:
            return canonical(text)
        except ValueError:
            self.problems.append(
                f"server: {shown(text)} is neither a server's number nor its main address"
            )
            return ""

    def _interface(self) -> str:
        text = self.text("interface")
        if len(text.encode()) > 15 or "/" in text or any(map(str.isspace, text)):
            self.problems.append(f"interface: {shown(text)} is no name of a network interface")
            return ""
        return text

    def _reuse_seconds(self) -> float | None:
        text = self.text("reuse_seconds")
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= 5):
            self.problems.append(
                f"reuse_seconds: {shown(text)} is not a whole number of seconds below 100000"
            )
            return None
        return float(text)

    def _path(self, name: str) -> str:
        text = self.text(name)
        if text and not text.startswith("/"):
            self.problems.append(f"{name}: {shown(text)} must begin with /")
            return ""
        return text


def canonical(text: str) -> str:
    """One spelling for one address; ValueError when it is none."""
    parts = text.split(".")
    if len(parts) == 4 and all(map(_is_octet, parts)):
        return text
    # Only IPv6 and typing errors pay for this import.
    from ipaddress import ip_address

    address = str(ip_address(text))
    if "%" in address:
        raise ValueError("a zone")
    return address


def _is_octet(text: str) -> bool:
    decimal = text.isascii() and text.isdecimal() and len(text) <= 3
    return decimal and str(int(text)) == text and int(text) <= 255


def _attribute_node(environment: Mapping[str, str]) -> str:
    """The node whose attributes are ours, empty for the local one: rule of ocf_attribute_target.

    A bundle may keep them on its physical host.
    """
    meta = "OCF_RESKEY_CRM_meta_"
    if environment.get(meta + "container_attribute_target") == "host":
        return environment.get(meta + "physical_host", "")
    return environment.get(meta + "on_node", "")
