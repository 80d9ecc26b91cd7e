-- Times are milliseconds since 1970, credentials SHA-256 hashes. What is called sealed is
-- encrypted under a data key of its own, which the KMS wraps, and bound to its row.

-- E20: the life of this database. One row.
CREATE TABLE deployment (
    only_row       BOOLEAN NOT NULL PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    epoch          BIGINT  NOT NULL CHECK (epoch >= 0),
    epoch_began_at BIGINT  NOT NULL
);

INSERT INTO deployment (epoch, epoch_began_at) VALUES (0, 0);

CREATE TABLE custodians (
    custodian_id UUID   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE environments (
    environment_id        UUID   NOT NULL PRIMARY KEY,
    custodian_id          UUID   NOT NULL REFERENCES custodians (custodian_id),
    name                  TEXT   NOT NULL,
    webhook_base_url      TEXT,
    sealed_webhook_secret BYTEA,
    created_at            BIGINT NOT NULL,
    CHECK ((webhook_base_url IS NULL) = (sealed_webhook_secret IS NULL))
);

CREATE INDEX environments_by_custodian ON environments (custodian_id);

CREATE TABLE custodian_api_keys (
    key_hash       BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    environment_id UUID   NOT NULL REFERENCES environments (environment_id),
    created_at     BIGINT NOT NULL,
    revoked_at     BIGINT
);

CREATE INDEX custodian_api_keys_by_environment ON custodian_api_keys (environment_id);

CREATE TABLE clients (
    client_id             UUID    NOT NULL PRIMARY KEY,
    environment_id        UUID    NOT NULL REFERENCES environments (environment_id),
    is_account_abstracted BOOLEAN NOT NULL,
    created_at            BIGINT  NOT NULL
);

CREATE INDEX clients_by_environment ON clients (environment_id, client_id);

CREATE TABLE client_api_keys (
    key_hash   BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(key_hash) = 32),
    client_id  UUID   NOT NULL REFERENCES clients (client_id),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX client_api_keys_by_client ON client_api_keys (client_id);

CREATE TABLE client_sessions (
    token_hash BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    client_id  UUID   NOT NULL REFERENCES clients (client_id),
    created_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX client_sessions_by_client ON client_sessions (client_id);

-- A client's wallet: what the state machine decided last, and under which version.
CREATE TABLE wallets (
    client_id           UUID   NOT NULL PRIMARY KEY REFERENCES clients (client_id),
    secp256k1_wallet_id UUID   NOT NULL UNIQUE,
    ed25519_wallet_id   UUID   NOT NULL UNIQUE,
    proved_in           BIGINT NOT NULL CHECK (proved_in >= 0),
    generation          BIGINT NOT NULL CHECK (generation >= 0),
    fence               BIGINT NOT NULL CHECK (fence >= 0),
    version             BIGINT NOT NULL CHECK (version >= 1),
    lease_operation_id  UUID,
    lease_kind          TEXT   CHECK (lease_kind IN ('generate', 'backup', 'recover', 'refresh')),
    lease_device_id     UUID,
    lease_fence         BIGINT CHECK (lease_fence <= fence),
    lease_generation    BIGINT CHECK (lease_generation <= generation),
    lease_expires_at    BIGINT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    CONSTRAINT a_lease_is_there_as_a_whole_or_not_at_all CHECK (
        num_nulls(lease_operation_id, lease_kind, lease_device_id, lease_fence,
            lease_generation, lease_expires_at) IN (0, 6)
    )
);

-- One row for each curve of each signing pair.
CREATE TABLE signing_share_pairs (
    pair_id      UUID   NOT NULL PRIMARY KEY,
    client_id    UUID   NOT NULL REFERENCES wallets (client_id),
    curve        TEXT   NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    generation   BIGINT NOT NULL CHECK (generation >= 0),
    status       TEXT   NOT NULL CHECK (status IN (
        'STORED_DATABASE', 'STORED_CLIENT', 'SUPERSEDED', 'FROZEN', 'ABANDONED', 'PURGED')),
    status_since BIGINT NOT NULL,
    proved_at    BIGINT,
    key_point    BYTEA  NOT NULL,
    client_point BYTEA  NOT NULL,
    server_point BYTEA  NOT NULL,
    operation_id UUID   NOT NULL,
    made_by      TEXT   NOT NULL CHECK (made_by IN ('generate', 'recover', 'refresh')),
    created_at   BIGINT NOT NULL,
    sealed_share BYTEA,
    UNIQUE (client_id, curve, generation),
    CONSTRAINT a_pair_that_may_sign_has_a_share CHECK (
        status NOT IN ('STORED_DATABASE', 'STORED_CLIENT') OR sealed_share IS NOT NULL),
    CONSTRAINT a_purged_pair_has_no_share CHECK (status <> 'PURGED' OR sealed_share IS NULL),
    -- SEC 1 §2.3.3 and RFC 8032 §5.1.2.
    CONSTRAINT points_are_compressed CHECK (
        octet_length(key_point) = CASE curve WHEN 'SECP256K1' THEN 33 ELSE 32 END
        AND octet_length(client_point) = octet_length(key_point)
        AND octet_length(server_point) = octet_length(key_point))
);

-- Invariant I2.
CREATE UNIQUE INDEX signing_share_pairs_one_in_force
ON signing_share_pairs (client_id, curve) WHERE status IN ('STORED_CLIENT', 'FROZEN');

-- One row for each curve of each backup pair. Its custodian share lies in the outbox until it
-- is delivered, and nowhere here after that.
CREATE TABLE backup_share_pairs (
    pair_id            UUID   NOT NULL PRIMARY KEY,
    client_id          UUID   NOT NULL REFERENCES wallets (client_id),
    curve              TEXT   NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    generation         BIGINT NOT NULL CHECK (generation >= 0),
    status             TEXT   NOT NULL CHECK (status IN (
        'PENDING', 'STORED_CUSTODIAN_BACKUP_SHARE', 'STORED_CLIENT_BACKUP_SHARE_KEY',
        'STORED_CLIENT_BACKUP_SHARE', 'SUPERSEDED', 'ABANDONED', 'PURGED')),
    status_since       BIGINT NOT NULL,
    proved_at          BIGINT,
    method             TEXT   NOT NULL CHECK (method IN (
        'PASSWORD', 'PASSKEY', 'GDRIVE', 'ICLOUD', 'CUSTOM', 'UNKNOWN')),
    key_point          BYTEA  NOT NULL,
    client_point       BYTEA  NOT NULL,
    server_point       BYTEA  NOT NULL,
    cipher_text_digest BYTEA  CHECK (octet_length(cipher_text_digest) = 32),
    operation_id       UUID   NOT NULL,
    created_at         BIGINT NOT NULL,
    UNIQUE (client_id, curve, generation),
    -- E17.
    CONSTRAINT a_complete_backup_has_a_digest CHECK (
        status <> 'STORED_CLIENT_BACKUP_SHARE' OR cipher_text_digest IS NOT NULL),
    CONSTRAINT points_are_compressed CHECK (
        octet_length(key_point) = CASE curve WHEN 'SECP256K1' THEN 33 ELSE 32 END
        AND octet_length(client_point) = octet_length(key_point)
        AND octet_length(server_point) = octet_length(key_point))
);

CREATE UNIQUE INDEX backup_share_pairs_one_in_force
ON backup_share_pairs (client_id, curve) WHERE status = 'STORED_CLIENT_BACKUP_SHARE';

-- One row for each backup pair whose custodian share is not acknowledged; erased with that.
CREATE TABLE outbox (
    secp256k1_pair_id      UUID   NOT NULL PRIMARY KEY REFERENCES backup_share_pairs (pair_id),
    ed25519_pair_id        UUID   NOT NULL UNIQUE REFERENCES backup_share_pairs (pair_id),
    client_id              UUID   NOT NULL REFERENCES wallets (client_id),
    sealed_secp256k1_share BYTEA  NOT NULL,
    sealed_ed25519_share   BYTEA  NOT NULL,
    attempts               BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at                 BIGINT NOT NULL,
    created_at             BIGINT NOT NULL
);

CREATE INDEX outbox_by_due ON outbox (due_at, secp256k1_pair_id);
CREATE INDEX outbox_by_client ON outbox (client_id);
CREATE INDEX outbox_by_creation ON outbox (created_at);

-- What the delivery worker reads: the outbox with what a webhook call names.
CREATE VIEW deliveries AS
SELECT o.client_id, c.environment_id, w.secp256k1_wallet_id, w.ed25519_wallet_id,
    o.secp256k1_pair_id, o.ed25519_pair_id, p.generation, p.method,
    o.sealed_secp256k1_share, o.sealed_ed25519_share, o.attempts, o.due_at
FROM outbox AS o
JOIN backup_share_pairs AS p ON p.pair_id = o.secp256k1_pair_id
JOIN wallets AS w ON w.client_id = o.client_id
JOIN clients AS c ON c.client_id = o.client_id;

-- E18: what a custodian is still to be told, one row for each pair and what became of it.
CREATE TABLE custodian_notices (
    secp256k1_pair_id UUID   NOT NULL REFERENCES backup_share_pairs (pair_id),
    ed25519_pair_id   UUID   NOT NULL REFERENCES backup_share_pairs (pair_id),
    client_id         UUID   NOT NULL REFERENCES wallets (client_id),
    status            TEXT   NOT NULL CHECK (status IN ('ABANDONED', 'PURGED')),
    attempts          BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at            BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    PRIMARY KEY (secp256k1_pair_id, status)
);

CREATE INDEX custodian_notices_by_due ON custodian_notices (due_at, secp256k1_pair_id);
CREATE INDEX custodian_notices_by_client ON custodian_notices (client_id);

-- Written before what it tells of leaves the server; holds digests only.
CREATE TABLE audit_events (
    audit_event_id BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    client_id      UUID   NOT NULL REFERENCES wallets (client_id),
    wallet_version BIGINT NOT NULL,
    action         TEXT   NOT NULL,
    subject        TEXT   NOT NULL,
    digest         BYTEA  NOT NULL CHECK (octet_length(digest) = 32),
    trace_id       UUID   NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE INDEX audit_events_by_client ON audit_events (client_id, audit_event_id);

-- What nobody may do, not even a person with a prompt.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER deployment_epoch_only_grows BEFORE UPDATE ON deployment
FOR EACH ROW WHEN (NEW.epoch <= OLD.epoch) EXECUTE FUNCTION refuse('the epoch only grows');

CREATE TRIGGER deployment_is_kept BEFORE DELETE OR TRUNCATE ON deployment
FOR EACH STATEMENT EXECUTE FUNCTION refuse('the epoch is never deleted');

CREATE TRIGGER wallets_only_grow BEFORE UPDATE ON wallets
FOR EACH ROW WHEN (NEW.generation < OLD.generation OR NEW.fence < OLD.fence
    OR NEW.version <= OLD.version)
EXECUTE FUNCTION refuse('generation, fence and version of a wallet never fall');

CREATE TRIGGER wallets_keep_their_identity BEFORE UPDATE ON wallets
FOR EACH ROW WHEN ((NEW.client_id, NEW.secp256k1_wallet_id, NEW.ed25519_wallet_id, NEW.created_at)
    IS DISTINCT FROM
    (OLD.client_id, OLD.secp256k1_wallet_id, OLD.ed25519_wallet_id, OLD.created_at))
EXECUTE FUNCTION refuse('the ids of a wallet never change');

CREATE TRIGGER wallets_are_kept BEFORE DELETE OR TRUNCATE ON wallets
FOR EACH STATEMENT EXECUTE FUNCTION refuse('wallets are never deleted');

CREATE TRIGGER signing_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, key_point, client_point, server_point,
    operation_id, made_by, created_at ON signing_share_pairs
FOR EACH STATEMENT
EXECUTE FUNCTION refuse('only status, proofs and share of a signing pair change');

CREATE TRIGGER signing_share_pairs_are_kept BEFORE DELETE OR TRUNCATE ON signing_share_pairs
FOR EACH STATEMENT EXECUTE FUNCTION refuse('signing pairs are never deleted');

CREATE TRIGGER backup_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, method, key_point, client_point,
    server_point, operation_id, created_at ON backup_share_pairs
FOR EACH STATEMENT
EXECUTE FUNCTION refuse('only status, proofs and digest of a backup pair change');

CREATE TRIGGER backup_share_pairs_are_kept BEFORE DELETE OR TRUNCATE ON backup_share_pairs
FOR EACH STATEMENT EXECUTE FUNCTION refuse('backup pairs are never deleted');

CREATE TRIGGER audit_events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse('audit events are append-only');
