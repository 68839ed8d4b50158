"""python -m tinygrad_mnist: the program."""

import sys

from .cli import main

sys.exit(main())
