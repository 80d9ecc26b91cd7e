-- Requests that are acted on once, with the answer that they get ever after. The answer may hold
-- credentials: it is sealed. A row without one is a claim of somebody who is acting on it.
CREATE TABLE idempotent_requests (
    request_id     UUID   NOT NULL PRIMARY KEY,
    environment_id UUID   NOT NULL REFERENCES environments (environment_id),
    -- The client, or the environment itself for its backend.
    caller_id      UUID   NOT NULL,
    route          TEXT   NOT NULL,
    key_hash       BYTEA  NOT NULL CHECK (octet_length(key_hash) = 32),
    body_digest    BYTEA  NOT NULL CHECK (octet_length(body_digest) = 32),
    sealed_answer  BYTEA,
    claimed_until  BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    UNIQUE (environment_id, caller_id, route, key_hash)
);

CREATE INDEX idempotent_requests_by_expiry ON idempotent_requests (expires_at);
CREATE INDEX idempotent_requests_unanswered ON idempotent_requests (claimed_until)
WHERE sealed_answer IS NULL;

CREATE TRIGGER idempotent_requests_keep_their_identity
BEFORE UPDATE OF request_id, environment_id, caller_id, route, key_hash, body_digest, created_at,
    expires_at ON idempotent_requests
FOR EACH STATEMENT EXECUTE FUNCTION refuse('only the answer of a request changes');

-- One-time passwords with which a browser gets a session of a client.
CREATE TABLE web_otps (
    otp_hash   BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(otp_hash) = 32),
    client_id  UUID   NOT NULL REFERENCES clients (client_id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX web_otps_by_client ON web_otps (client_id);
CREATE INDEX web_otps_by_expiry ON web_otps (expires_at);
