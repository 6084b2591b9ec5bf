"""The tables of `queue.db`. A text that was released is never changed: the next version is a further text.

`element` is the index in an array, -1 for the one job of a submission that is none. States are the words of `JobState`.
Counts by state stand with each submission and, over all, in `total`; `step.py` is the one place that keeps them.
"""

from __future__ import annotations

FIRST = """
CREATE TABLE queue (
  id TEXT NOT NULL,
  changes INTEGER NOT NULL DEFAULT 0,
  -- the last change that forgot submissions
  forgot INTEGER NOT NULL DEFAULT 0,
  -- seconds of the longest attempt that has ended
  longest REAL NOT NULL DEFAULT 0
);
CREATE TABLE submission (
  -- AUTOINCREMENT: a number that was forgotten is never given again, for it is part of attempts' keys
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  user TEXT NOT NULL,
  priority INTEGER NOT NULL,
  submitted REAL NOT NULL,
  cpus REAL NOT NULL,
  labels TEXT NOT NULL,
  retries INTEGER NOT NULL,
  is_array INTEGER NOT NULL,
  awaited INTEGER NOT NULL DEFAULT 0,
  queued INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0,
  starting INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0,
  frozen INTEGER NOT NULL DEFAULT 0,
  succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  stage TEXT NOT NULL,
  started REAL,
  ended REAL,
  changed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX submission_stage ON submission (stage, number);
CREATE INDEX submission_ended ON submission (ended, number) WHERE stage = 'ended';
CREATE INDEX submission_ready ON submission (number) WHERE queued > 0 AND awaited = 0;
CREATE INDEX submission_changed ON submission (changed);
CREATE TABLE total (
  what TEXT PRIMARY KEY,
  jobs INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE spec (
  number INTEGER PRIMARY KEY REFERENCES submission ON DELETE CASCADE,
  body TEXT NOT NULL
);
CREATE TABLE awaited (
  number INTEGER NOT NULL REFERENCES submission ON DELETE CASCADE,
  target INTEGER NOT NULL,
  element INTEGER,
  how TEXT NOT NULL,
  met INTEGER
);
CREATE INDEX awaited_number ON awaited (number);
CREATE INDEX awaited_target ON awaited (target) WHERE met IS NULL;
CREATE TABLE job (
  number INTEGER NOT NULL REFERENCES submission ON DELETE CASCADE,
  element INTEGER NOT NULL,
  state TEXT NOT NULL,
  item BLOB,
  attempt INTEGER NOT NULL DEFAULT 0,
  node TEXT NOT NULL DEFAULT '',
  exit INTEGER,
  why TEXT NOT NULL DEFAULT '',
  started REAL,
  ended REAL,
  not_before REAL NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  losses INTEGER NOT NULL DEFAULT 0,
  wish TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (number, element)
) WITHOUT ROWID;
CREATE INDEX job_state ON job (number, state, element);
CREATE TABLE attempt (
  number INTEGER NOT NULL REFERENCES submission ON DELETE CASCADE,
  element INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  node TEXT NOT NULL,
  -- that it holds: 0 while it waits in an engine's own queue
  cpus REAL NOT NULL,
  level INTEGER NOT NULL,
  gpus TEXT NOT NULL DEFAULT '',
  placed REAL NOT NULL,
  started REAL,
  ended REAL,
  exit INTEGER,
  cause TEXT,
  why TEXT NOT NULL DEFAULT '',
  cpu REAL,
  memory INTEGER,
  fetched TEXT NOT NULL DEFAULT '',
  -- it failed, or was refused, on this node
  bad INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (number, element, attempt)
) WITHOUT ROWID;
CREATE INDEX attempt_ended ON attempt (ended, started, placed, cpus) WHERE ended IS NOT NULL;
CREATE INDEX attempt_bad ON attempt (number, element, node) WHERE bad = 1;
CREATE TABLE node (
  name TEXT PRIMARY KEY,
  drained INTEGER NOT NULL DEFAULT 0,
  drained_why TEXT NOT NULL DEFAULT '',
  why TEXT NOT NULL DEFAULT '',
  quarantined REAL NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  broken INTEGER NOT NULL DEFAULT 0,
  quarantines INTEGER NOT NULL DEFAULT 0,
  -- the submissions whose failures count in `failures`, as JSON
  suspects TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
INSERT INTO queue (id) VALUES (lower(hex(randomblob(4))));
"""

SECOND = """
-- why jobs of it that could start do not, as the dispatcher told last
ALTER TABLE submission ADD COLUMN waits TEXT NOT NULL DEFAULT '';
CREATE INDEX submission_waits ON submission (number) WHERE waits <> '';
"""

MIGRATIONS = (FIRST, SECOND)
