"""Live connections: who is subscribed, and how an event reaches them."""
