"""``python -m symbptt`` is ``symbptt``."""

import sys

from symbptt.cli import main

sys.exit(main())
