"""The wire: codes, envelopes and their encoding. No I/O, no asyncio."""
