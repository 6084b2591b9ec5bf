"""The lab: real systemd nodes with OpenSSH in Docker, and the tests that need them. See docs/LAB.md."""
