-- Ids are UUIDs of 16 bytes, times milliseconds since 1970, credentials SHA-256 hashes.
-- What is called sealed is encrypted under the server's key and bound to its row.

CREATE TABLE custodians (
    custodian_id BLOB    NOT NULL PRIMARY KEY CHECK (length(custodian_id) = 16),
    name         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE environments (
    environment_id        BLOB    NOT NULL PRIMARY KEY CHECK (length(environment_id) = 16),
    custodian_id          BLOB    NOT NULL REFERENCES custodians (custodian_id),
    name                  TEXT    NOT NULL,
    webhook_base_url      TEXT,
    sealed_webhook_secret BLOB,
    created_at            INTEGER NOT NULL,
    CHECK ((webhook_base_url IS NULL) = (sealed_webhook_secret IS NULL))
) STRICT;

CREATE INDEX environments_by_custodian ON environments (custodian_id);

CREATE TABLE custodian_api_keys (
    key_hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    environment_id BLOB    NOT NULL REFERENCES environments (environment_id),
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX custodian_api_keys_by_environment ON custodian_api_keys (environment_id);

CREATE TABLE clients (
    client_id             BLOB    NOT NULL PRIMARY KEY CHECK (length(client_id) = 16),
    environment_id        BLOB    NOT NULL REFERENCES environments (environment_id),
    is_account_abstracted INTEGER NOT NULL CHECK (is_account_abstracted IN (0, 1)),
    created_at            INTEGER NOT NULL
) STRICT;

CREATE INDEX clients_by_environment ON clients (environment_id, client_id);

CREATE TABLE client_api_keys (
    key_hash   BLOB    NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    client_id  BLOB    NOT NULL REFERENCES clients (client_id),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX client_api_keys_by_client ON client_api_keys (client_id);

CREATE TABLE client_sessions (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    client_id  BLOB    NOT NULL REFERENCES clients (client_id),
    created_at INTEGER NOT NULL,
    idle_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX client_sessions_by_client ON client_sessions (client_id);

-- A client's wallet: what the state machine decided last, and under which version.
CREATE TABLE wallets (
    client_id           BLOB    NOT NULL PRIMARY KEY REFERENCES clients (client_id),
    secp256k1_wallet_id BLOB    NOT NULL UNIQUE CHECK (length(secp256k1_wallet_id) = 16),
    ed25519_wallet_id   BLOB    NOT NULL UNIQUE CHECK (length(ed25519_wallet_id) = 16),
    generation          INTEGER NOT NULL CHECK (generation >= 0),
    fence               INTEGER NOT NULL CHECK (fence >= 0),
    version             INTEGER NOT NULL CHECK (version >= 1),
    lease_operation_id  BLOB    CHECK (length(lease_operation_id) = 16),
    lease_kind          TEXT    CHECK (lease_kind IN ('generate', 'backup', 'recover', 'refresh')),
    lease_device_id     BLOB    CHECK (length(lease_device_id) = 16),
    lease_fence         INTEGER CHECK (lease_fence <= fence),
    lease_generation    INTEGER CHECK (lease_generation <= generation),
    lease_expires_at    INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    -- A lease is there as a whole or not at all.
    CHECK (
        (lease_operation_id IS NULL) + (lease_kind IS NULL) + (lease_device_id IS NULL)
        + (lease_fence IS NULL) + (lease_generation IS NULL) + (lease_expires_at IS NULL)
        IN (0, 6)
    )
) STRICT;

CREATE TRIGGER wallets_only_grow BEFORE UPDATE ON wallets
WHEN NEW.generation < OLD.generation OR NEW.fence < OLD.fence OR NEW.version <= OLD.version
BEGIN
    SELECT RAISE(ABORT, 'generation, fence and version of a wallet never fall');
END;

CREATE TRIGGER wallets_keep_their_identity
BEFORE UPDATE OF client_id, secp256k1_wallet_id, ed25519_wallet_id, created_at ON wallets
WHEN NEW.client_id <> OLD.client_id
    OR NEW.secp256k1_wallet_id <> OLD.secp256k1_wallet_id
    OR NEW.ed25519_wallet_id <> OLD.ed25519_wallet_id
    OR NEW.created_at <> OLD.created_at
BEGIN
    SELECT RAISE(ABORT, 'the ids of a wallet never change');
END;

CREATE TRIGGER wallets_are_kept BEFORE DELETE ON wallets
BEGIN
    SELECT RAISE(ABORT, 'wallets are never deleted');
END;

-- One row for each curve of each signing pair.
CREATE TABLE signing_share_pairs (
    pair_id      BLOB    NOT NULL PRIMARY KEY CHECK (length(pair_id) = 16),
    client_id    BLOB    NOT NULL REFERENCES wallets (client_id),
    curve        TEXT    NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    generation   INTEGER NOT NULL CHECK (generation >= 0),
    status       TEXT    NOT NULL CHECK (status IN (
        'STORED_DATABASE', 'STORED_CLIENT', 'SUPERSEDED', 'FROZEN', 'ABANDONED', 'PURGED')),
    key_point    BLOB    NOT NULL,
    client_point BLOB    NOT NULL,
    server_point BLOB    NOT NULL,
    operation_id BLOB    NOT NULL CHECK (length(operation_id) = 16),
    made_by      TEXT    NOT NULL CHECK (made_by IN ('generate', 'recover', 'refresh')),
    created_at   INTEGER NOT NULL,
    sealed_share BLOB,
    UNIQUE (client_id, curve, generation),
    -- A pair that may sign, now or after its confirmation, has a share; a purged one has none.
    CHECK (status NOT IN ('STORED_DATABASE', 'STORED_CLIENT') OR sealed_share IS NOT NULL),
    CHECK (status <> 'PURGED' OR sealed_share IS NULL),
    -- Compressed: SEC 1 §2.3.3 and RFC 8032 §5.1.2.
    CHECK (length(key_point) = iif(curve = 'SECP256K1', 33, 32)
        AND length(client_point) = iif(curve = 'SECP256K1', 33, 32)
        AND length(server_point) = iif(curve = 'SECP256K1', 33, 32))
) STRICT;

-- Invariant I2.
CREATE UNIQUE INDEX signing_share_pairs_one_in_force
ON signing_share_pairs (client_id, curve) WHERE status IN ('STORED_CLIENT', 'FROZEN');

CREATE TRIGGER signing_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, key_point, client_point, server_point,
    operation_id, made_by, created_at ON signing_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'only the status and the share of a signing pair change');
END;

CREATE TRIGGER signing_share_pairs_are_kept BEFORE DELETE ON signing_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'signing pairs are never deleted');
END;

-- One row for each curve of each backup pair. Its custodian share lies in the outbox until it
-- is delivered, and nowhere here after that.
CREATE TABLE backup_share_pairs (
    pair_id            BLOB    NOT NULL PRIMARY KEY CHECK (length(pair_id) = 16),
    client_id          BLOB    NOT NULL REFERENCES wallets (client_id),
    curve              TEXT    NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    generation         INTEGER NOT NULL CHECK (generation >= 0),
    status             TEXT    NOT NULL CHECK (status IN (
        'PENDING', 'STORED_CUSTODIAN_BACKUP_SHARE', 'STORED_CLIENT_BACKUP_SHARE_KEY',
        'STORED_CLIENT_BACKUP_SHARE', 'SUPERSEDED', 'ABANDONED', 'PURGED')),
    method             TEXT    NOT NULL CHECK (method IN (
        'PASSWORD', 'PASSKEY', 'GDRIVE', 'ICLOUD', 'CUSTOM', 'UNKNOWN')),
    key_point          BLOB    NOT NULL,
    client_point       BLOB    NOT NULL,
    server_point       BLOB    NOT NULL,
    cipher_text_digest BLOB    CHECK (length(cipher_text_digest) = 32),
    operation_id       BLOB    NOT NULL CHECK (length(operation_id) = 16),
    created_at         INTEGER NOT NULL,
    UNIQUE (client_id, curve, generation),
    -- E17: nothing is a complete backup without the digest of its cipher text.
    CHECK (status <> 'STORED_CLIENT_BACKUP_SHARE' OR cipher_text_digest IS NOT NULL),
    CHECK (length(key_point) = iif(curve = 'SECP256K1', 33, 32)
        AND length(client_point) = iif(curve = 'SECP256K1', 33, 32)
        AND length(server_point) = iif(curve = 'SECP256K1', 33, 32))
) STRICT;

CREATE UNIQUE INDEX backup_share_pairs_one_in_force
ON backup_share_pairs (client_id, curve) WHERE status = 'STORED_CLIENT_BACKUP_SHARE';

CREATE TRIGGER backup_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, method, key_point, client_point,
    server_point, operation_id, created_at ON backup_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'only the status and the digest of a backup pair change');
END;

CREATE TRIGGER backup_share_pairs_are_kept BEFORE DELETE ON backup_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'backup pairs are never deleted');
END;

-- One row for each backup pair whose custodian share is not acknowledged; erased with that.
CREATE TABLE outbox (
    secp256k1_pair_id      BLOB    NOT NULL PRIMARY KEY REFERENCES backup_share_pairs (pair_id),
    ed25519_pair_id        BLOB    NOT NULL UNIQUE REFERENCES backup_share_pairs (pair_id),
    client_id              BLOB    NOT NULL REFERENCES wallets (client_id),
    sealed_secp256k1_share BLOB    NOT NULL,
    sealed_ed25519_share   BLOB    NOT NULL,
    attempts               INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at                 INTEGER NOT NULL,
    created_at             INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_by_due ON outbox (due_at, secp256k1_pair_id);
CREATE INDEX outbox_by_client ON outbox (client_id);

-- What the delivery worker reads: the outbox with what a webhook call names.
CREATE VIEW deliveries AS
SELECT o.client_id, c.environment_id, w.secp256k1_wallet_id, w.ed25519_wallet_id,
    o.secp256k1_pair_id, o.ed25519_pair_id, p.generation, p.method,
    o.sealed_secp256k1_share, o.sealed_ed25519_share, o.attempts, o.due_at
FROM outbox AS o
JOIN backup_share_pairs AS p ON p.pair_id = o.secp256k1_pair_id
JOIN wallets AS w ON w.client_id = o.client_id
JOIN clients AS c ON c.client_id = o.client_id;

-- Written before what it tells of leaves the server; holds digests only. AUTOINCREMENT never
-- gives out a number again, so a gap shows that a line is gone.
CREATE TABLE audit_events (
    audit_event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id      BLOB    NOT NULL REFERENCES wallets (client_id),
    wallet_version INTEGER NOT NULL,
    action         TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    digest         BLOB    NOT NULL CHECK (length(digest) = 32),
    trace_id       BLOB    NOT NULL CHECK (length(trace_id) = 16),
    created_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_events_by_client ON audit_events (client_id, audit_event_id);

CREATE TRIGGER audit_events_are_not_changed BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

CREATE TRIGGER audit_events_are_not_deleted BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;

-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_events_are_not_replaced BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE audit_event_id = NEW.audit_event_id)
BEGIN
    SELECT RAISE(ABORT, 'audit events are append-only');
END;
