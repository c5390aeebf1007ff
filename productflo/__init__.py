"""ProductFlo chat: rooms in which people and AI assistants talk."""
