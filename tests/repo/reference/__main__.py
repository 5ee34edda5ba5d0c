"""Writes docs/reference.md and the reviewed help texts anew."""

from tests.cli.test_command_line import HELP, help_texts
from tests.repo.reference import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    HELP.write_text(help_texts(), encoding="utf-8")
