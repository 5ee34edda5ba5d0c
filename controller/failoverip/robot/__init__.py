"""Hetzner Robot: the only door to it.

Job: turn what the operator wants to know or to change into requests, and Robot's answers into the
values of `failoverip.core.provider`. May not decide, retry, count budgets (the ledger does, in
`failoverip.core.ledger`), follow redirects, use a proxy, or show a secret.

The names below need no package, so that the Pacemaker agents can use them. The operator's
transport is `failoverip.robot.client.RobotClient`, and it needs httpx.
"""

from failoverip.robot.base_url import DEFAULT_BASE_URL as DEFAULT_BASE_URL
from failoverip.robot.base_url import check_base_url as check_base_url
from failoverip.robot.credentials import Credentials as Credentials
from failoverip.robot.protocol import HttpRequest as HttpRequest
from failoverip.robot.protocol import is_told_by_status as is_told_by_status
from failoverip.robot.protocol import list_routes as list_routes
from failoverip.robot.protocol import list_servers as list_servers
from failoverip.robot.protocol import routes_answer as routes_answer
from failoverip.robot.protocol import servers_answer as servers_answer
from failoverip.robot.protocol import switch_answer as switch_answer
from failoverip.robot.protocol import switch_fault as switch_fault
from failoverip.robot.protocol import switch_route as switch_route
