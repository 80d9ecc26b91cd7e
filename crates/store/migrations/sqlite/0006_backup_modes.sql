-- Who holds the custodian's share: of what an environment's clients back up from now on, and of a
-- pair for good, since it is recovered as it was made.
ALTER TABLE environments ADD COLUMN backup_mode TEXT NOT NULL DEFAULT 'PLAIN'
    CHECK (backup_mode IN ('PLAIN', 'SEALED', 'MANAGED'));

ALTER TABLE backup_share_pairs ADD COLUMN backup_mode TEXT NOT NULL DEFAULT 'PLAIN'
    CHECK (backup_mode IN ('PLAIN', 'SEALED', 'MANAGED'));

DROP TRIGGER backup_share_pairs_keep_their_identity;
CREATE TRIGGER backup_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, method, backup_mode, key_point,
    client_point, server_point, operation_id, created_at ON backup_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'only the status and the digest of a backup pair change');
END;

-- In sealed mode the outbox holds the server's part of the custodian's share, and beside it what
-- the client sealed to the custodian: neither is a share.
ALTER TABLE outbox ADD COLUMN secp256k1_sealed_blind BLOB;
ALTER TABLE outbox ADD COLUMN ed25519_sealed_blind BLOB;

DROP VIEW deliveries;
CREATE VIEW deliveries AS
SELECT o.client_id, c.environment_id, w.secp256k1_wallet_id, w.ed25519_wallet_id,
    o.secp256k1_pair_id, o.ed25519_pair_id, p.generation, p.method,
    o.sealed_secp256k1_share, o.sealed_ed25519_share, o.secp256k1_sealed_blind,
    o.ed25519_sealed_blind, o.attempts, o.due_at
FROM outbox AS o
JOIN backup_share_pairs AS p ON p.pair_id = o.secp256k1_pair_id
JOIN wallets AS w ON w.client_id = o.client_id
JOIN clients AS c ON c.client_id = o.client_id;
