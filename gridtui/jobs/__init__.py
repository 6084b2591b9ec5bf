"""A grid out of machines: jobs that are queued here, placed by what nodes can do and do now, and run there. docs/JOBS.md is for users."""
