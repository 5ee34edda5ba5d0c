"""`make corpus`: write the expectations anew. The diff is what is to be reviewed."""

from __future__ import annotations

import sys

from tests.corpus.expect import write_all
from tests.corpus.load import CorpusError

if __name__ == "__main__":
    try:
        write_all()
    except CorpusError as error:
        sys.exit(f"{error}")
