"""Uploaded bytes, apart from what is known about them."""
