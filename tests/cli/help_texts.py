"""Writes help.txt anew: `python -m tests.cli.help_texts`, then read the diff."""

from tests.cli.test_command_line import HELP, help_texts

if __name__ == "__main__":
    HELP.write_text(help_texts())
