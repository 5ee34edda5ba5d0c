"""Settings of the operator: flags, then environment, then defaults, from one table.

`settings_from` is pure: arguments, environment and what was read of the surroundings go in, an
`OperatorSettings` comes out. Credentials are never settings; they live in the Secret that a
FailoverIP names. May not import anything of failoverip, nor a package.
"""

from failoverip.settings.errors import BadInputError as BadInputError
from failoverip.settings.errors import SettingsError as SettingsError
from failoverip.settings.operator import OperatorSettings as OperatorSettings
from failoverip.settings.operator import Surroundings as Surroundings
from failoverip.settings.operator import add_operator_arguments as add_operator_arguments
from failoverip.settings.operator import operator_settings as operator_settings
from failoverip.settings.operator import settings_from as settings_from
from failoverip.settings.parsers import ListenAddress as ListenAddress
from failoverip.settings.parsers import check_base_url as check_base_url
from failoverip.settings.parsers import parse_listen_address as parse_listen_address
