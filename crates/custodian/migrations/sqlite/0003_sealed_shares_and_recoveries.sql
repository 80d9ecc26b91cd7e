-- A share that was formed here, from the server's part and what the client sealed: the digest of
-- what was handed over. Such a share is never given out, but blinded.
ALTER TABLE backup_share ADD COLUMN delivery_digest BLOB
    CHECK (delivery_digest IS NULL OR length(delivery_digest) = 32);

-- When a client may recover from a sealed backup, as the app's backend said.
CREATE TABLE recovery_window (
    seq            INTEGER PRIMARY KEY,
    client_id      TEXT    NOT NULL,
    opened_at_ms   INTEGER NOT NULL,
    closes_at_ms   INTEGER NOT NULL CHECK (closes_at_ms > opened_at_ms),
    uses_allowed   INTEGER NOT NULL CHECK (uses_allowed > 0)
) STRICT;

CREATE INDEX recovery_window_newest ON recovery_window (client_id, seq);

-- Every request that was answered. The answer follows from the request alone, so the same request
-- is answered alike; a blind that was sealed once serves one request.
CREATE TABLE recovery_use (
    seq            INTEGER PRIMARY KEY,
    window_seq     INTEGER NOT NULL REFERENCES recovery_window (seq),
    request_digest BLOB    NOT NULL UNIQUE CHECK (length(request_digest) = 32),
    blinds_digest  BLOB    NOT NULL UNIQUE CHECK (length(blinds_digest) = 32),
    used_at_ms     INTEGER NOT NULL
) STRICT;

CREATE INDEX recovery_use_by_window ON recovery_use (window_seq);

CREATE TRIGGER recovery_window_never_updated BEFORE UPDATE ON recovery_window
BEGIN
    SELECT RAISE(ABORT, 'recovery_window is insert-only');
END;

CREATE TRIGGER recovery_window_never_deleted BEFORE DELETE ON recovery_window
BEGIN
    SELECT RAISE(ABORT, 'recovery_window is insert-only');
END;

CREATE TRIGGER recovery_window_never_replaced BEFORE INSERT ON recovery_window
WHEN EXISTS (SELECT 1 FROM recovery_window WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'recovery_window is insert-only');
END;

CREATE TRIGGER recovery_use_never_updated BEFORE UPDATE ON recovery_use
BEGIN
    SELECT RAISE(ABORT, 'recovery_use is insert-only');
END;

CREATE TRIGGER recovery_use_never_deleted BEFORE DELETE ON recovery_use
BEGIN
    SELECT RAISE(ABORT, 'recovery_use is insert-only');
END;

CREATE TRIGGER recovery_use_never_replaced BEFORE INSERT ON recovery_use
WHEN EXISTS (
    SELECT 1 FROM recovery_use
    WHERE seq = NEW.seq OR request_digest = NEW.request_digest OR blinds_digest = NEW.blinds_digest
)
BEGIN
    SELECT RAISE(ABORT, 'recovery_use is insert-only');
END;
