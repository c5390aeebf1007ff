"""Rules of the chat as pure functions: no I/O, no clock, time passed in."""
