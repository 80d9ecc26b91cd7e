-- Managed mode: the custodian's share of each curve of a backup pair, under the backup KMS.
-- Insert-only, but for a data key that is wrapped anew.
CREATE TABLE managed_backup_shares (
    pair_id      BLOB    NOT NULL PRIMARY KEY REFERENCES backup_share_pairs (pair_id),
    client_id    BLOB    NOT NULL REFERENCES wallets (client_id),
    curve        TEXT    NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    sealed_share BLOB    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX managed_backup_shares_by_client ON managed_backup_shares (client_id);

CREATE TRIGGER managed_backup_shares_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, created_at ON managed_backup_shares
BEGIN
    SELECT RAISE(ABORT, 'a custodian share stays where it is');
END;

CREATE TRIGGER managed_backup_shares_are_kept BEFORE DELETE ON managed_backup_shares
BEGIN
    SELECT RAISE(ABORT, 'custodian shares are never deleted');
END;

-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER managed_backup_shares_are_not_replaced BEFORE INSERT ON managed_backup_shares
WHEN EXISTS (SELECT 1 FROM managed_backup_shares WHERE pair_id = NEW.pair_id)
BEGIN
    SELECT RAISE(ABORT, 'custodian shares are insert-only');
END;

-- What the client encrypted; the server has no key to it.
CREATE TABLE managed_cipher_texts (
    secp256k1_pair_id BLOB    NOT NULL PRIMARY KEY REFERENCES backup_share_pairs (pair_id),
    ed25519_pair_id   BLOB    NOT NULL UNIQUE REFERENCES backup_share_pairs (pair_id),
    client_id         BLOB    NOT NULL REFERENCES wallets (client_id),
    cipher_text       TEXT    NOT NULL CHECK (length(cipher_text) BETWEEN 1 AND 16384),
    created_at        INTEGER NOT NULL
) STRICT;

CREATE INDEX managed_cipher_texts_by_client ON managed_cipher_texts (client_id);

CREATE TRIGGER managed_cipher_texts_are_not_changed BEFORE UPDATE ON managed_cipher_texts
BEGIN
    SELECT RAISE(ABORT, 'cipher texts are insert-only');
END;

CREATE TRIGGER managed_cipher_texts_are_kept BEFORE DELETE ON managed_cipher_texts
BEGIN
    SELECT RAISE(ABORT, 'cipher texts are insert-only');
END;

CREATE TRIGGER managed_cipher_texts_are_not_replaced BEFORE INSERT ON managed_cipher_texts
WHEN EXISTS (
    SELECT 1 FROM managed_cipher_texts
    WHERE secp256k1_pair_id = NEW.secp256k1_pair_id OR ed25519_pair_id = NEW.ed25519_pair_id
)
BEGIN
    SELECT RAISE(ABORT, 'cipher texts are insert-only');
END;

-- Eject: until when the custodian allows it, and when it happened.
ALTER TABLE wallets ADD COLUMN ejectable_until INTEGER;
ALTER TABLE wallets ADD COLUMN ejected_at INTEGER;

CREATE TRIGGER wallets_stay_ejected BEFORE UPDATE ON wallets
WHEN OLD.ejected_at IS NOT NULL AND NEW.ejected_at IS NOT OLD.ejected_at
BEGIN
    SELECT RAISE(ABORT, 'an ejected wallet stays ejected');
END;
