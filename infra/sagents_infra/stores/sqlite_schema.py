"""The tables of the SQLite store, as they came to be."""

MIGRATIONS = (
    (
        """CREATE TABLE agents (
            agent_id TEXT PRIMARY KEY, generation INTEGER NOT NULL, workflow_run_id TEXT NOT NULL, seq INTEGER NOT NULL,
            base_position INTEGER NOT NULL, base_digest TEXT NOT NULL, head TEXT)""",
        """CREATE TABLE bases (
            agent_id TEXT NOT NULL, digest TEXT NOT NULL, position INTEGER NOT NULL, parent TEXT NOT NULL,
            is_snapshot INTEGER NOT NULL, size INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (agent_id, digest))""",
        """CREATE TABLE records (
            agent_id TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (agent_id, key))""",
    ),
    (
        """CREATE TABLE events (
            agent_id TEXT NOT NULL, id INTEGER NOT NULL, slot TEXT NOT NULL, entry TEXT NOT NULL,
            PRIMARY KEY (agent_id, id), UNIQUE (agent_id, slot))""",
        """CREATE TABLE interrupts (
            number INTEGER PRIMARY KEY AUTOINCREMENT, created_at REAL, agent_id TEXT NOT NULL, body TEXT NOT NULL)""",
        "CREATE INDEX interrupts_of_agent ON interrupts (agent_id)",
    ),
    (
        """CREATE TABLE decisions (
            agent_id TEXT NOT NULL, number INTEGER NOT NULL, slot TEXT NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (agent_id, number), UNIQUE (agent_id, slot))""",
        """CREATE TABLE rules (
            number INTEGER PRIMARY KEY AUTOINCREMENT, rule_id TEXT NOT NULL UNIQUE, agent_id TEXT NOT NULL,
            key TEXT NOT NULL, body TEXT NOT NULL)""",
        "CREATE INDEX rules_by_key ON rules (key)",
        "CREATE INDEX rules_of_agent ON rules (agent_id)",
        """CREATE TABLE claims (
            agent_id TEXT NOT NULL, interrupt_id TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (agent_id, interrupt_id))""",
    ),
    (
        """CREATE TABLE display_rows (
            agent_id TEXT NOT NULL, row_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (agent_id, row_id), UNIQUE (agent_id, number))""",
        "CREATE TABLE trimmed (agent_id TEXT PRIMARY KEY, newest INTEGER NOT NULL)",
        "CREATE TABLE cards (agent_id TEXT PRIMARY KEY, body TEXT NOT NULL)",
    ),
    (
        # bases and events from before count as written now; old records, and what doors leave, have no age and stay
        "ALTER TABLE bases ADD COLUMN at REAL",
        "ALTER TABLE records ADD COLUMN at REAL",
        "ALTER TABLE events ADD COLUMN at REAL",
        *(f"UPDATE {table} SET at = (julianday('now') - 2440587.5) * 86400" for table in ("bases", "events")),
        "CREATE INDEX records_by_age ON records (at) WHERE at IS NOT NULL",
        "CREATE INDEX events_by_age ON events (at, id)",
        "CREATE TABLE pruned (at REAL NOT NULL)",
        # when an agent waited for a person last; no time while one does
        "CREATE TABLE waited (agent_id TEXT PRIMARY KEY, at REAL)",
        "INSERT INTO waited (agent_id) SELECT DISTINCT agent_id FROM interrupts",
    ),
)
TABLES = (
    *("agents", "bases", "records", "events", "interrupts", "decisions", "rules", "claims"),
    *("display_rows", "trimmed", "cards", "waited"),
)
