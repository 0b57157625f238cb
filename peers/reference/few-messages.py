"""The reference suite with fewer messages in the cases of sections 12 and 13. Usage: few-messages.py COUNT ARGUMENTS

Its own count of a thousand takes half an hour for each peer. ARGUMENTS are those of its own program.
"""

import sys

from autobahntestsuite import case
from autobahntestsuite.wstest import run

count = int(sys.argv.pop(1))
for loop in case.Case12_X_X + case.Case13_X_X:
    loop.COUNT = count
sys.exit(run())
