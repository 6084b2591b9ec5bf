"""What every engine for jobs must do, whoever wrote it: `engines.py` has the tests, a module here for each engine that passes them."""
