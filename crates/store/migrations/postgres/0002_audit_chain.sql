-- The audit log becomes one chain of lines for each environment. What was written before is
-- carried into it by the program, which can hash, when it opens the database next.
DROP TRIGGER audit_events_are_append_only ON audit_events;
DROP INDEX audit_events_by_client;
ALTER TABLE audit_events RENAME TO former_audit_events;

-- The last line of each chain: what the next one continues. Whoever appends locks its row.
CREATE TABLE audit_heads (
    environment_id UUID   NOT NULL PRIMARY KEY REFERENCES environments (environment_id),
    sequence       BIGINT NOT NULL CHECK (sequence >= 0),
    hash           BYTEA  NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 50);

INSERT INTO audit_heads (environment_id, sequence, hash)
SELECT environment_id, 0, decode(repeat('00', 32), 'hex') FROM environments;

CREATE FUNCTION begin_a_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_heads (environment_id, sequence, hash)
    VALUES (NEW.environment_id, 0, decode(repeat('00', 32), 'hex'));
    RETURN NULL;
END $$;

CREATE TRIGGER environments_begin_a_chain AFTER INSERT ON environments
FOR EACH ROW EXECUTE FUNCTION begin_a_chain();

-- Written before what it tells of leaves the server; holds ids, numbers and digests only.
CREATE TABLE audit_events (
    environment_id UUID   NOT NULL REFERENCES audit_heads (environment_id),
    sequence       BIGINT NOT NULL CHECK (sequence >= 1),
    version        BIGINT NOT NULL,
    previous_hash  BYTEA  NOT NULL CHECK (octet_length(previous_hash) = 32),
    created_at     BIGINT NOT NULL,
    actor_kind     TEXT   NOT NULL,
    actor_id       TEXT,
    trace_id       UUID   NOT NULL,
    client_id      UUID,
    act            TEXT   NOT NULL,
    details        TEXT   NOT NULL,
    hash           BYTEA  NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (environment_id, sequence)
);

CREATE INDEX audit_events_by_client ON audit_events (environment_id, client_id, sequence);

CREATE FUNCTION continue_the_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE audit_heads SET sequence = NEW.sequence, hash = NEW.hash
    WHERE environment_id = NEW.environment_id AND sequence = NEW.sequence - 1
        AND hash = NEW.previous_hash;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a line of the audit log continues its chain'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_events_continue_their_chain BEFORE INSERT ON audit_events
FOR EACH ROW EXECUTE FUNCTION continue_the_chain();

CREATE TRIGGER audit_events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse('audit events are append-only');

CREATE TRIGGER audit_heads_only_grow BEFORE UPDATE ON audit_heads
FOR EACH ROW WHEN (NEW.environment_id <> OLD.environment_id OR NEW.sequence <> OLD.sequence + 1)
EXECUTE FUNCTION refuse('the head of an audit chain moves on by one line');

CREATE TRIGGER audit_heads_are_kept BEFORE DELETE OR TRUNCATE ON audit_heads
FOR EACH STATEMENT EXECUTE FUNCTION refuse('the head of an audit chain is never deleted');
