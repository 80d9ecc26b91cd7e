-- A purged pair stays purged, and no pair is that was not overtaken or given up: what goes with it
-- goes for good.
CREATE TRIGGER backup_share_pairs_stay_purged BEFORE UPDATE OF status ON backup_share_pairs
WHEN OLD.status = 'PURGED' AND NEW.status <> 'PURGED'
BEGIN
    SELECT RAISE(ABORT, 'a purged backup pair stays purged');
END;

CREATE TRIGGER backup_share_pairs_are_purged_last BEFORE UPDATE OF status ON backup_share_pairs
WHEN NEW.status = 'PURGED' AND OLD.status NOT IN ('SUPERSEDED', 'ABANDONED', 'PURGED')
BEGIN
    SELECT RAISE(ABORT, 'only an overtaken or abandoned backup pair is purged');
END;

-- Both halves of a managed backup are erased when its pair is purged, and not before.
DROP TRIGGER managed_backup_shares_are_kept;
CREATE TRIGGER managed_backup_shares_are_kept BEFORE DELETE ON managed_backup_shares
WHEN NOT EXISTS (
    SELECT 1 FROM backup_share_pairs WHERE pair_id = OLD.pair_id AND status = 'PURGED'
)
BEGIN
    SELECT RAISE(ABORT, 'custodian shares are kept until their pair is purged');
END;

DROP TRIGGER managed_cipher_texts_are_kept;
CREATE TRIGGER managed_cipher_texts_are_kept BEFORE DELETE ON managed_cipher_texts
WHEN (
    SELECT count(*) FROM backup_share_pairs
    WHERE pair_id IN (OLD.secp256k1_pair_id, OLD.ed25519_pair_id) AND status = 'PURGED'
) <> 2
BEGIN
    SELECT RAISE(ABORT, 'cipher texts are kept until their pair is purged');
END;

CREATE TRIGGER managed_backup_shares_do_not_come_back BEFORE INSERT ON managed_backup_shares
WHEN EXISTS (
    SELECT 1 FROM backup_share_pairs WHERE pair_id = NEW.pair_id AND status = 'PURGED'
)
BEGIN
    SELECT RAISE(ABORT, 'the pair of this custodian share is purged');
END;

CREATE TRIGGER managed_cipher_texts_do_not_come_back BEFORE INSERT ON managed_cipher_texts
WHEN EXISTS (
    SELECT 1 FROM backup_share_pairs
    WHERE pair_id IN (NEW.secp256k1_pair_id, NEW.ed25519_pair_id) AND status = 'PURGED'
)
BEGIN
    SELECT RAISE(ABORT, 'the pair of this cipher text is purged');
END;

-- Of pairs that were purged before this: the line that they are was written then.
DELETE FROM managed_backup_shares
WHERE pair_id IN (SELECT pair_id FROM backup_share_pairs WHERE status = 'PURGED');

DELETE FROM managed_cipher_texts
WHERE secp256k1_pair_id IN (SELECT pair_id FROM backup_share_pairs WHERE status = 'PURGED');
