"""Use cases: what a person, an assistant or an operator can do."""
