"""How long typing lasts."""

LEASE = 6.0
"""Seconds after which typing ends unless it is said again: people pause to think for less."""
RENEWAL = 2.0
"""Seconds between renewals by an assistant that is writing: two may be lost."""
