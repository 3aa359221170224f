"""Everything outside: adapters of the ports, and the doors where requests come in."""
