-- Of pairs that were purged before this: the line that they are was written then. A pair is purged
-- where both its curves are.
DROP TRIGGER managed_backup_shares_are_kept;
DROP TRIGGER managed_cipher_texts_are_kept;

CREATE TEMPORARY TABLE purged AS
SELECT client_id, generation FROM backup_share_pairs WHERE status = 'PURGED'
GROUP BY client_id, generation HAVING count(*) = 2;

DELETE FROM managed_cipher_texts WHERE secp256k1_pair_id IN (
    SELECT pair_id FROM backup_share_pairs JOIN purged USING (client_id, generation)
);
DELETE FROM managed_backup_shares WHERE pair_id IN (
    SELECT pair_id FROM backup_share_pairs JOIN purged USING (client_id, generation)
);
DROP TABLE purged;

-- A purged pair stays purged; what goes with it goes for good. So no pair is that was not overtaken
-- or given up, nor while no backup in force has proved itself, nor of a wallet that has ended (E18).
CREATE TRIGGER backup_share_pairs_stay_purged BEFORE UPDATE OF status ON backup_share_pairs
WHEN OLD.status = 'PURGED' AND NEW.status <> 'PURGED'
BEGIN
    SELECT RAISE(ABORT, 'a purged backup pair stays purged');
END;

CREATE TRIGGER backup_share_pairs_are_purged_last BEFORE UPDATE OF status ON backup_share_pairs
WHEN NEW.status = 'PURGED' AND OLD.status <> 'PURGED' AND (
    OLD.status NOT IN ('SUPERSEDED', 'ABANDONED')
    OR NOT EXISTS (
        SELECT 1 FROM backup_share_pairs AS active
        WHERE active.client_id = OLD.client_id AND active.curve = OLD.curve
            AND active.status = 'STORED_CLIENT_BACKUP_SHARE' AND active.proved_at IS NOT NULL
    )
    OR EXISTS (
        SELECT 1 FROM wallets WHERE client_id = OLD.client_id AND ejected_at IS NOT NULL
    )
)
BEGIN
    SELECT RAISE(ABORT, 'only a backup pair that another one has replaced for good is purged');
END;

-- Both halves of a managed backup are erased when its pair is purged, on both curves, and not
-- before; whoever purges it.
CREATE TRIGGER backup_share_pairs_take_their_halves AFTER UPDATE OF status ON backup_share_pairs
WHEN NEW.status = 'PURGED' AND OLD.status <> 'PURGED' AND (
    SELECT count(*) FROM backup_share_pairs
    WHERE client_id = NEW.client_id AND generation = NEW.generation AND status = 'PURGED'
) = 2
BEGIN
    DELETE FROM managed_cipher_texts
    WHERE NEW.pair_id IN (secp256k1_pair_id, ed25519_pair_id);
    DELETE FROM managed_backup_shares WHERE pair_id IN (
        SELECT pair_id FROM backup_share_pairs
        WHERE client_id = NEW.client_id AND generation = NEW.generation
    );
END;

CREATE TRIGGER managed_backup_shares_are_kept BEFORE DELETE ON managed_backup_shares
WHEN (
    SELECT count(*) FROM backup_share_pairs AS named
    JOIN backup_share_pairs AS half USING (client_id, generation)
    WHERE named.pair_id = OLD.pair_id AND half.status = 'PURGED'
) <> 2
BEGIN
    SELECT RAISE(ABORT, 'custodian shares are kept until their pair is purged');
END;

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

-- REPLACE is a removal that no trigger of a removal sees.
CREATE TRIGGER backup_share_pairs_are_not_replaced BEFORE INSERT ON backup_share_pairs
WHEN EXISTS (
    SELECT 1 FROM backup_share_pairs
    WHERE pair_id = NEW.pair_id
        OR (client_id = NEW.client_id AND curve = NEW.curve AND (
            generation = NEW.generation
            OR (status = 'STORED_CLIENT_BACKUP_SHARE' AND NEW.status = 'STORED_CLIENT_BACKUP_SHARE')
        ))
)
BEGIN
    SELECT RAISE(ABORT, 'backup pairs are never replaced');
END;

CREATE TRIGGER signing_share_pairs_are_not_replaced BEFORE INSERT ON signing_share_pairs
WHEN EXISTS (
    SELECT 1 FROM signing_share_pairs
    WHERE pair_id = NEW.pair_id
        OR (client_id = NEW.client_id AND curve = NEW.curve AND (
            generation = NEW.generation
            OR (status IN ('STORED_CLIENT', 'FROZEN') AND NEW.status IN ('STORED_CLIENT', 'FROZEN'))
        ))
)
BEGIN
    SELECT RAISE(ABORT, 'signing pairs are never replaced');
END;

-- Passed over and not refused: a first commit that another one was faster than finds it so.
CREATE TRIGGER wallets_are_not_replaced BEFORE INSERT ON wallets
WHEN EXISTS (
    SELECT 1 FROM wallets
    WHERE client_id = NEW.client_id
        OR secp256k1_wallet_id = NEW.secp256k1_wallet_id
        OR ed25519_wallet_id = NEW.ed25519_wallet_id
)
BEGIN
    SELECT RAISE(IGNORE);
END;
