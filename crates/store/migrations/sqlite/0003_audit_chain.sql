-- The audit log becomes one chain of lines for each environment. What was written before is
-- carried into it by the program, which can hash, when it opens the database next.
DROP TRIGGER audit_events_are_not_changed;
DROP TRIGGER audit_events_are_not_deleted;
DROP TRIGGER audit_events_are_not_replaced;
DROP INDEX audit_events_by_client;
ALTER TABLE audit_events RENAME TO former_audit_events;

-- The last line of each chain: what the next one continues.
CREATE TABLE audit_heads (
    environment_id BLOB    NOT NULL PRIMARY KEY REFERENCES environments (environment_id),
    sequence       INTEGER NOT NULL CHECK (sequence >= 0),
    hash           BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

INSERT INTO audit_heads (environment_id, sequence, hash)
SELECT environment_id, 0, zeroblob(32) FROM environments;

CREATE TRIGGER environments_begin_a_chain AFTER INSERT ON environments
BEGIN
    INSERT INTO audit_heads (environment_id, sequence, hash)
    VALUES (NEW.environment_id, 0, zeroblob(32));
END;

-- Written before what it tells of leaves the server; holds ids, numbers and digests only.
CREATE TABLE audit_events (
    environment_id BLOB    NOT NULL REFERENCES audit_heads (environment_id),
    sequence       INTEGER NOT NULL CHECK (sequence >= 1),
    version        INTEGER NOT NULL,
    previous_hash  BLOB    NOT NULL CHECK (length(previous_hash) = 32),
    created_at     INTEGER NOT NULL,
    actor_kind     TEXT    NOT NULL,
    actor_id       TEXT,
    trace_id       BLOB    NOT NULL CHECK (length(trace_id) = 16),
    client_id      BLOB    CHECK (length(client_id) = 16),
    act            TEXT    NOT NULL,
    details        TEXT    NOT NULL,
    hash           BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (environment_id, sequence)
) STRICT;

CREATE INDEX audit_events_by_client ON audit_events (environment_id, client_id, sequence);

-- INSERT OR REPLACE deletes without asking a trigger; this asks it.
CREATE TRIGGER audit_events_continue_their_chain BEFORE INSERT ON audit_events
WHEN NOT EXISTS (
    SELECT 1 FROM audit_heads
    WHERE environment_id = NEW.environment_id AND sequence = NEW.sequence - 1
        AND hash = NEW.previous_hash
)
BEGIN
    SELECT RAISE(ABORT, 'a line of the audit log continues its chain');
END;

CREATE TRIGGER audit_events_move_their_head AFTER INSERT ON audit_events
BEGIN
    UPDATE audit_heads SET sequence = NEW.sequence, hash = NEW.hash
    WHERE environment_id = NEW.environment_id;
END;

CREATE TRIGGER audit_events_are_not_changed BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

CREATE TRIGGER audit_events_are_not_deleted BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

CREATE TRIGGER audit_heads_only_grow BEFORE UPDATE ON audit_heads
WHEN NEW.environment_id <> OLD.environment_id OR NEW.sequence <> OLD.sequence + 1
BEGIN
    SELECT RAISE(ABORT, 'the head of an audit chain moves on by one line');
END;

CREATE TRIGGER audit_heads_begin_once BEFORE INSERT ON audit_heads
WHEN EXISTS (SELECT 1 FROM audit_heads WHERE environment_id = NEW.environment_id)
BEGIN
    SELECT RAISE(ABORT, 'the head of an audit chain moves on by one line');
END;

CREATE TRIGGER audit_heads_are_kept BEFORE DELETE ON audit_heads
BEGIN
    SELECT RAISE(ABORT, 'the head of an audit chain is never deleted');
END;
