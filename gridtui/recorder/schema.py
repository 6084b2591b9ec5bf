"""The tables of a recording. A text that was released is never changed; what is added comes as a further one."""

MIGRATIONS = (
    """
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    -- One row for each node that was ever recorded; `body` is its part of the inventory, as JSON.
    CREATE TABLE nodes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL, facts TEXT);

    -- A stretch of time that one recorder saw without a break; `until` moves on with every write. Stretches overlap where the clock was set
    -- back: nothing of either is lost. `nodes` are ids, packed, in the order of the journal's columns.
    CREATE TABLE spans (id INTEGER PRIMARY KEY, since REAL NOT NULL, until REAL NOT NULL, nodes BLOB NOT NULL);

    -- The newest values of all nodes, a row a minute: slot by slot, each a byte for every metric of every node.
    CREATE TABLE journal (span INTEGER NOT NULL, start INTEGER NOT NULL, slots INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (span, start)) WITHOUT ROWID;

    -- The same by node, once an hour of it is complete: metric by metric, a byte for every slot.
    CREATE TABLE pieces (id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, node INTEGER NOT NULL, start INTEGER NOT NULL, span INTEGER NOT NULL,
        slots INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE UNIQUE INDEX pieces_by_node ON pieces (tier, node, start, span);

    CREATE INDEX pieces_by_age ON pieces (tier, start);

    -- What happened, exactly. `kind` is that of `words`; without a node it is about the controller.
    CREATE TABLE happened (id INTEGER PRIMARY KEY, time REAL NOT NULL, node INTEGER, kind INTEGER NOT NULL, span INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE INDEX happened_by_time ON happened (time);
    CREATE INDEX happened_by_node ON happened (node, time);
    """,
)
TABLES = ("about", "nodes", "spans", "journal", "pieces", "happened")
