"""What tests of the whole program stand on: the program as a process, and a terminal to look at it in."""
