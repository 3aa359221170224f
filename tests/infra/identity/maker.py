"""A process that wants the keys of a folder as soon as its input ends, and prints them."""

import sys
from pathlib import Path

from sagents_infra.identity import keys_in

print("ready", flush=True)
sys.stdin.read()
print(keys_in(Path(sys.argv[1])).text, flush=True)
