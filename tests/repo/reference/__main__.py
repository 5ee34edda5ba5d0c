"""Writes docs/reference.md, the table of guards and the reviewed help texts anew."""

from tests.cli.test_command_line import HELP, help_texts
from tests.repo.reference import PAGE, guards, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    HELP.write_text(help_texts(), encoding="utf-8")
    guards.write()
