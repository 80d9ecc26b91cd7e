-- Requests that are acted on once, with the answer that they get ever after. The answer may hold
-- credentials: it is sealed. A row without one is a claim of somebody who is acting on it.
CREATE TABLE idempotent_requests (
    request_id     BLOB    NOT NULL PRIMARY KEY CHECK (length(request_id) = 16),
    environment_id BLOB    NOT NULL REFERENCES environments (environment_id),
    -- The client, or the environment itself for its backend.
    caller_id      BLOB    NOT NULL CHECK (length(caller_id) = 16),
    route          TEXT    NOT NULL,
    key_hash       BLOB    NOT NULL CHECK (length(key_hash) = 32),
    body_digest    BLOB    NOT NULL CHECK (length(body_digest) = 32),
    sealed_answer  BLOB,
    claimed_until  INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    UNIQUE (environment_id, caller_id, route, key_hash)
) STRICT;

CREATE INDEX idempotent_requests_by_expiry ON idempotent_requests (expires_at);
CREATE INDEX idempotent_requests_unanswered ON idempotent_requests (claimed_until)
WHERE sealed_answer IS NULL;

CREATE TRIGGER idempotent_requests_keep_their_identity
BEFORE UPDATE OF request_id, environment_id, caller_id, route, key_hash, body_digest, created_at,
    expires_at ON idempotent_requests
BEGIN
    SELECT RAISE(ABORT, 'only the answer of a request changes');
END;

-- One-time passwords with which a browser gets a session of a client.
CREATE TABLE web_otps (
    otp_hash   BLOB    NOT NULL PRIMARY KEY CHECK (length(otp_hash) = 32),
    client_id  BLOB    NOT NULL REFERENCES clients (client_id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX web_otps_by_client ON web_otps (client_id);
CREATE INDEX web_otps_by_expiry ON web_otps (expires_at);
