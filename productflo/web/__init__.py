"""The doors: Quart routes for HTTP and WebSocket."""
