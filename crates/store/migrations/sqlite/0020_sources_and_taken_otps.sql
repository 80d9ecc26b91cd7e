-- Which pair a pair was made from, by its generation: the same operation id finds it for the same
-- source only. None of a Generate, nor of what was made before this was noted.
ALTER TABLE signing_share_pairs ADD COLUMN source_generation INTEGER
    CHECK (source_generation >= 0);

ALTER TABLE backup_share_pairs ADD COLUMN source_generation INTEGER CHECK (source_generation >= 0);

DROP TRIGGER signing_share_pairs_keep_their_identity;
CREATE TRIGGER signing_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, key_point, client_point, server_point,
    operation_id, made_by, source_generation, created_at ON signing_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'only the status and the share of a signing pair change');
END;

DROP TRIGGER backup_share_pairs_keep_their_identity;
CREATE TRIGGER backup_share_pairs_keep_their_identity
BEFORE UPDATE OF pair_id, client_id, curve, generation, method, backup_mode, key_point,
    client_point, server_point, operation_id, source_generation, created_at ON backup_share_pairs
BEGIN
    SELECT RAISE(ABORT, 'only the status and the digest of a backup pair change');
END;

-- A one-time password that was taken is known until it would have ended: whoever repeats the
-- request with its key is still told for whom it was.
ALTER TABLE web_otps ADD COLUMN taken_at INTEGER;
