-- As SQLite's, table for table: the store runs one text of SQL on both.
--
-- Insert-only: what a backup needs is never replaced and never deleted (E15, E18).
-- ON CONFLICT DO UPDATE fires the triggers of an update.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME;
END
$$;

CREATE TABLE backup_share (
    seq                  BIGINT NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    client_id            TEXT COLLATE "C" NOT NULL,
    backup_share_pair_id TEXT COLLATE "C" NOT NULL,
    wallet_id            TEXT   NOT NULL,
    curve                TEXT COLLATE "C" NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    generation           BIGINT NOT NULL CHECK (generation >= 0),
    backup_method        TEXT   NOT NULL,
    -- SHA-256 of the share's text: the receipt. It tells nothing of the share,
    -- which holds 256 bits that cannot be guessed.
    digest               BYTEA  NOT NULL CHECK (octet_length(digest) = 32),
    -- Of a share that was formed here: the digest of what was handed over.
    delivery_digest      BYTEA  CHECK (octet_length(delivery_digest) = 32),
    -- What the seal binds, as in SQLite's 0005; there never was a version 1 here.
    seal_version         BIGINT NOT NULL CHECK (seal_version = 2),
    sealed_share         BYTEA  NOT NULL,
    created_at_ms        BIGINT NOT NULL,
    PRIMARY KEY (client_id, backup_share_pair_id)
);

CREATE TABLE cipher_text (
    -- Orders by insertion.
    seq                            BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    client_id                      TEXT COLLATE "C" NOT NULL,
    secp256k1_backup_share_pair_id TEXT COLLATE "C" NOT NULL,
    ed25519_backup_share_pair_id   TEXT COLLATE "C" NOT NULL,
    backup_method                  TEXT   NOT NULL,
    -- Encrypted by the user's device; this backend has no key to it.
    cipher_text                    TEXT   NOT NULL,
    created_at_ms                  BIGINT NOT NULL,
    UNIQUE (client_id, secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id)
);

CREATE INDEX cipher_text_newest ON cipher_text (client_id, backup_method, seq);

-- E18: pairs that Portal said are of no use any more. The shares stay.
CREATE TABLE released_pair (
    client_id            TEXT COLLATE "C" NOT NULL,
    backup_share_pair_id TEXT COLLATE "C" NOT NULL,
    created_at_ms        BIGINT NOT NULL,
    PRIMARY KEY (client_id, backup_share_pair_id)
);

-- When a client may recover from a sealed backup, as the app's backend said.
CREATE TABLE recovery_window (
    seq            BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    client_id      TEXT COLLATE "C" NOT NULL,
    opened_at_ms   BIGINT NOT NULL,
    closes_at_ms   BIGINT NOT NULL CHECK (closes_at_ms > opened_at_ms),
    uses_allowed   BIGINT NOT NULL CHECK (uses_allowed > 0)
);

CREATE INDEX recovery_window_newest ON recovery_window (client_id, seq);

-- Every request that was answered. The answer follows from the request alone, so the same request
-- is answered alike; a blind that was sealed once serves one request.
CREATE TABLE recovery_use (
    seq            BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    window_seq     BIGINT NOT NULL REFERENCES recovery_window (seq),
    request_digest BYTEA  NOT NULL UNIQUE CHECK (octet_length(request_digest) = 32),
    blinds_digest  BYTEA  NOT NULL UNIQUE CHECK (octet_length(blinds_digest) = 32),
    used_at_ms     BIGINT NOT NULL
);

CREATE INDEX recovery_use_by_window ON recovery_use (window_seq);

-- A seal under the key of this database, made when it was first opened: another key is refused.
CREATE TABLE key_check (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    sealed   BYTEA  NOT NULL
);

-- Ids of calls that are answered once, for as long as they would be believed. The only table that
-- forgets.
CREATE TABLE heard_call (
    webhook_id  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    heard_at_ms BIGINT NOT NULL
);

CREATE INDEX heard_call_by_time ON heard_call (heard_at_ms);

CREATE TRIGGER backup_share_never_changed BEFORE UPDATE OR DELETE ON backup_share
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER backup_share_never_emptied BEFORE TRUNCATE ON backup_share
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cipher_text_never_changed BEFORE UPDATE OR DELETE ON cipher_text
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cipher_text_never_emptied BEFORE TRUNCATE ON cipher_text
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER released_pair_never_changed BEFORE UPDATE OR DELETE ON released_pair
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER released_pair_never_emptied BEFORE TRUNCATE ON released_pair
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_window_never_changed BEFORE UPDATE OR DELETE ON recovery_window
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_window_never_emptied BEFORE TRUNCATE ON recovery_window
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_use_never_changed BEFORE UPDATE OR DELETE ON recovery_use
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_use_never_emptied BEFORE TRUNCATE ON recovery_use
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER key_check_never_changed BEFORE UPDATE OR DELETE ON key_check
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER key_check_never_emptied BEFORE TRUNCATE ON key_check
    EXECUTE FUNCTION refuse_change();
