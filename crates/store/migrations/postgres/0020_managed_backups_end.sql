-- A purged pair stays purged, and no pair is that was not overtaken or given up: what goes with it
-- goes for good.
CREATE TRIGGER backup_share_pairs_stay_purged BEFORE UPDATE OF status ON backup_share_pairs
FOR EACH ROW WHEN (OLD.status = 'PURGED' AND NEW.status <> 'PURGED')
EXECUTE FUNCTION refuse('a purged backup pair stays purged');

CREATE TRIGGER backup_share_pairs_are_purged_last BEFORE UPDATE OF status ON backup_share_pairs
FOR EACH ROW WHEN (NEW.status = 'PURGED' AND OLD.status NOT IN ('SUPERSEDED', 'ABANDONED', 'PURGED'))
EXECUTE FUNCTION refuse('only an overtaken or abandoned backup pair is purged');

-- Both halves of a managed backup are erased when its pair is purged, and not before.
CREATE FUNCTION are_purged(VARIADIC pairs UUID[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT count(*) = cardinality(pairs) FROM backup_share_pairs
    WHERE pair_id = ANY (pairs) AND status = 'PURGED'
$$;

CREATE FUNCTION keep_managed_share() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT are_purged(OLD.pair_id) THEN
            RAISE EXCEPTION 'custodian shares are kept until their pair is purged'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF are_purged(NEW.pair_id) THEN
        RAISE EXCEPTION 'the pair of this custodian share is purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION keep_managed_cipher_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT are_purged(OLD.secp256k1_pair_id, OLD.ed25519_pair_id) THEN
            RAISE EXCEPTION 'cipher texts are kept until their pair is purged'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF are_purged(NEW.secp256k1_pair_id) OR are_purged(NEW.ed25519_pair_id) THEN
        RAISE EXCEPTION 'the pair of this cipher text is purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER managed_backup_shares_are_kept ON managed_backup_shares;
CREATE TRIGGER managed_backup_shares_are_kept BEFORE INSERT OR DELETE ON managed_backup_shares
FOR EACH ROW EXECUTE FUNCTION keep_managed_share();
CREATE TRIGGER managed_backup_shares_are_kept_all BEFORE TRUNCATE ON managed_backup_shares
FOR EACH STATEMENT EXECUTE FUNCTION refuse('custodian shares are kept until their pair is purged');

DROP TRIGGER managed_cipher_texts_are_insert_only ON managed_cipher_texts;
CREATE TRIGGER managed_cipher_texts_are_not_changed
BEFORE UPDATE OR TRUNCATE ON managed_cipher_texts
FOR EACH STATEMENT EXECUTE FUNCTION refuse('cipher texts are insert-only');
CREATE TRIGGER managed_cipher_texts_are_kept BEFORE INSERT OR DELETE ON managed_cipher_texts
FOR EACH ROW EXECUTE FUNCTION keep_managed_cipher_text();

-- Of pairs that were purged before this: the line that they are was written then.
DELETE FROM managed_backup_shares
WHERE pair_id IN (SELECT pair_id FROM backup_share_pairs WHERE status = 'PURGED');

DELETE FROM managed_cipher_texts
WHERE secp256k1_pair_id IN (SELECT pair_id FROM backup_share_pairs WHERE status = 'PURGED');
