"""`python -m sagents_infra.cli` is `sagents`."""

from sagents_infra.cli import main

main()
