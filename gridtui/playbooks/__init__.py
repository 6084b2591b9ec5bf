"""Ansible playbooks: a catalogue, runs through ansible-runner, and changes that a node takes back unless they are confirmed.

Ansible is run as a program and never imported. Knows no screen, no command line and no selection of nodes.
"""
