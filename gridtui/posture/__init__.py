"""How well a node is kept: one question to it, findings with the playbook that mends each, a score, and drift since the last look."""
