"""`python -m failoverip` is `failoverip`."""

import sys

from failoverip.cli import main

if __name__ == "__main__":
    sys.exit(main())
