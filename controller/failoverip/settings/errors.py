"""What a person gave and what cannot be used of it.

BadInputError            one line: what was given, its value, the fix; exit code 2
└── SettingsError        ... and it is a setting: the line names its flag or variable
"""


class BadInputError(Exception):
    """What a person gave cannot be used. The message is one line: what, its value, the fix."""


class SettingsError(BadInputError):
    """A setting is unknown or invalid, or two of them do not go together."""
