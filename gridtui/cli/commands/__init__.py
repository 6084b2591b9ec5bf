"""One file a command; each has `command`, a click command, and imports what it needs when it runs."""
