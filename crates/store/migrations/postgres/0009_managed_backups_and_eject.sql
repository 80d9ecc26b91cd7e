-- Managed mode: the custodian's share of each curve of a backup pair, under the backup KMS.
-- Insert-only, but for a data key that is wrapped anew.
CREATE TABLE managed_backup_shares (
    pair_id      UUID   NOT NULL PRIMARY KEY REFERENCES backup_share_pairs (pair_id),
    client_id    UUID   NOT NULL REFERENCES wallets (client_id),
    curve        TEXT   NOT NULL CHECK (curve IN ('SECP256K1', 'ED25519')),
    sealed_share BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE INDEX managed_backup_shares_by_client ON managed_backup_shares (client_id);

CREATE TRIGGER managed_backup_shares_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, created_at ON managed_backup_shares
FOR EACH STATEMENT EXECUTE FUNCTION refuse('a custodian share stays where it is');

CREATE TRIGGER managed_backup_shares_are_kept BEFORE DELETE OR TRUNCATE ON managed_backup_shares
FOR EACH STATEMENT EXECUTE FUNCTION refuse('custodian shares are never deleted');

-- What the client encrypted; the server has no key to it.
CREATE TABLE managed_cipher_texts (
    secp256k1_pair_id UUID   NOT NULL PRIMARY KEY REFERENCES backup_share_pairs (pair_id),
    ed25519_pair_id   UUID   NOT NULL UNIQUE REFERENCES backup_share_pairs (pair_id),
    client_id         UUID   NOT NULL REFERENCES wallets (client_id),
    cipher_text       TEXT   NOT NULL CHECK (length(cipher_text) BETWEEN 1 AND 16384),
    created_at        BIGINT NOT NULL
);

CREATE INDEX managed_cipher_texts_by_client ON managed_cipher_texts (client_id);

CREATE TRIGGER managed_cipher_texts_are_insert_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON managed_cipher_texts
FOR EACH STATEMENT EXECUTE FUNCTION refuse('cipher texts are insert-only');

-- Eject: until when the custodian allows it, and when it happened.
ALTER TABLE wallets ADD COLUMN ejectable_until BIGINT;
ALTER TABLE wallets ADD COLUMN ejected_at BIGINT;

CREATE TRIGGER wallets_stay_ejected BEFORE UPDATE ON wallets
FOR EACH ROW WHEN (OLD.ejected_at IS NOT NULL AND NEW.ejected_at IS DISTINCT FROM OLD.ejected_at)
EXECUTE FUNCTION refuse('an ejected wallet stays ejected');
