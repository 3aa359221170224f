"""How doors vouch for people: the adapter of `sagents.ports.Signer`."""

from sagents_infra.identity.key_file import keys_in
from sagents_infra.identity.keys import KeyRing

__all__ = ["KeyRing", "keys_in"]
