"""Approval links: a decision by an address that was sent to one person."""
