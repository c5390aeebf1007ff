"""Redis: keys, scripts and what is kept in them."""
