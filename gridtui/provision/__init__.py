"""A bare machine becomes a grid node: first contact with a password or a key, then playbooks, then a check that it is ready."""
