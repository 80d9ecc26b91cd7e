-- Insert-only: what a backup needs is never replaced and never deleted (E15, E18).
--
-- The insert triggers are not for callers, who are told before: they stop
-- INSERT OR REPLACE, which deletes rows without firing delete triggers.

CREATE TABLE backup_share (
    client_id            TEXT    NOT NULL,
    backup_share_pair_id TEXT    NOT NULL,
    wallet_id            TEXT    NOT NULL,
    curve                TEXT    NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    generation           INTEGER NOT NULL CHECK (generation >= 0),
    backup_method        TEXT    NOT NULL,
    -- SHA-256 of the share's text: the receipt. It tells nothing of the share,
    -- which holds 256 bits that cannot be guessed.
    digest               BLOB    NOT NULL CHECK (length(digest) = 32),
    -- portal-seal, bound to client, pair, wallet and curve.
    sealed_share         BLOB    NOT NULL,
    created_at_ms        INTEGER NOT NULL,
    PRIMARY KEY (client_id, backup_share_pair_id)
) STRICT;

CREATE TRIGGER backup_share_never_replaced BEFORE INSERT ON backup_share
WHEN EXISTS (
    SELECT 1 FROM backup_share
    WHERE client_id = NEW.client_id AND backup_share_pair_id = NEW.backup_share_pair_id
)
BEGIN
    SELECT RAISE(ABORT, 'backup_share is insert-only');
END;

CREATE TRIGGER backup_share_never_updated BEFORE UPDATE ON backup_share
BEGIN
    SELECT RAISE(ABORT, 'backup_share is insert-only');
END;

CREATE TRIGGER backup_share_never_deleted BEFORE DELETE ON backup_share
BEGIN
    SELECT RAISE(ABORT, 'backup_share is insert-only');
END;

CREATE TABLE cipher_text (
    -- Orders by insertion: nothing is ever deleted, so it only grows.
    seq                            INTEGER PRIMARY KEY,
    client_id                      TEXT    NOT NULL,
    secp256k1_backup_share_pair_id TEXT    NOT NULL,
    ed25519_backup_share_pair_id   TEXT    NOT NULL,
    backup_method                  TEXT    NOT NULL,
    -- Encrypted by the user's device; this backend has no key to it.
    cipher_text                    TEXT    NOT NULL,
    created_at_ms                  INTEGER NOT NULL,
    UNIQUE (client_id, secp256k1_backup_share_pair_id, ed25519_backup_share_pair_id)
) STRICT;

CREATE INDEX cipher_text_newest ON cipher_text (client_id, backup_method, seq);

CREATE TRIGGER cipher_text_never_replaced BEFORE INSERT ON cipher_text
WHEN EXISTS (
    SELECT 1 FROM cipher_text
    WHERE seq = NEW.seq
       OR (client_id = NEW.client_id
           AND secp256k1_backup_share_pair_id = NEW.secp256k1_backup_share_pair_id
           AND ed25519_backup_share_pair_id = NEW.ed25519_backup_share_pair_id)
)
BEGIN
    SELECT RAISE(ABORT, 'cipher_text is insert-only');
END;

CREATE TRIGGER cipher_text_never_updated BEFORE UPDATE ON cipher_text
BEGIN
    SELECT RAISE(ABORT, 'cipher_text is insert-only');
END;

CREATE TRIGGER cipher_text_never_deleted BEFORE DELETE ON cipher_text
BEGIN
    SELECT RAISE(ABORT, 'cipher_text is insert-only');
END;
