-- Of pairs that were purged before this: the line that they are was written then. A pair is purged
-- where both its curves are.
DROP TRIGGER managed_backup_shares_are_kept ON managed_backup_shares;
DROP TRIGGER managed_cipher_texts_are_insert_only ON managed_cipher_texts;

CREATE FUNCTION are_purged(of_client UUID, of_generation BIGINT) RETURNS boolean LANGUAGE sql AS $$
    SELECT count(*) = 2 FROM backup_share_pairs
    WHERE client_id = of_client AND generation = of_generation AND status = 'PURGED'
$$;

DELETE FROM managed_cipher_texts USING backup_share_pairs AS pair
WHERE pair.pair_id = secp256k1_pair_id AND pair.status = 'PURGED'
    AND are_purged(pair.client_id, pair.generation);

DELETE FROM managed_backup_shares USING backup_share_pairs AS pair
WHERE pair.pair_id = managed_backup_shares.pair_id AND pair.status = 'PURGED'
    AND are_purged(pair.client_id, pair.generation);

-- A purged pair stays purged; what goes with it goes for good. So no pair is that was not overtaken
-- or given up, nor while no backup in force has proved itself, nor of a wallet that has ended (E18).
CREATE FUNCTION guard_purge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'PURGED' AND NEW.status <> 'PURGED' THEN
        RAISE EXCEPTION 'a purged backup pair stays purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.status = 'PURGED' AND OLD.status <> 'PURGED' AND (
        OLD.status NOT IN ('SUPERSEDED', 'ABANDONED')
        OR NOT EXISTS (
            SELECT 1 FROM backup_share_pairs AS active
            WHERE active.client_id = OLD.client_id AND active.curve = OLD.curve
                AND active.status = 'STORED_CLIENT_BACKUP_SHARE' AND active.proved_at IS NOT NULL
        )
        OR EXISTS (
            SELECT 1 FROM wallets WHERE client_id = OLD.client_id AND ejected_at IS NOT NULL
        )
    ) THEN
        RAISE EXCEPTION 'only a backup pair that another one has replaced for good is purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER backup_share_pairs_are_purged_last BEFORE UPDATE OF status ON backup_share_pairs
FOR EACH ROW EXECUTE FUNCTION guard_purge();

-- Both halves of a managed backup are erased when its pair is purged, on both curves, and not
-- before; whoever purges it.
CREATE FUNCTION take_halves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF are_purged(NEW.client_id, NEW.generation) THEN
        DELETE FROM managed_cipher_texts
        WHERE NEW.pair_id IN (secp256k1_pair_id, ed25519_pair_id);
        DELETE FROM managed_backup_shares USING backup_share_pairs AS half
        WHERE half.pair_id = managed_backup_shares.pair_id
            AND half.client_id = NEW.client_id AND half.generation = NEW.generation;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER backup_share_pairs_take_their_halves AFTER UPDATE OF status ON backup_share_pairs
FOR EACH ROW WHEN (NEW.status = 'PURGED' AND OLD.status <> 'PURGED')
EXECUTE FUNCTION take_halves();

CREATE FUNCTION keep_managed_share() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pair backup_share_pairs;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT * INTO pair FROM backup_share_pairs WHERE pair_id = OLD.pair_id;
        IF are_purged(pair.client_id, pair.generation) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'custodian shares are kept until their pair is purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Locked: a purge that goes on at the same time would not see what comes after it.
    SELECT * INTO pair FROM backup_share_pairs WHERE pair_id = NEW.pair_id FOR SHARE;
    IF pair.status = 'PURGED' THEN
        RAISE EXCEPTION 'the pair of this custodian share is purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION keep_managed_cipher_text() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pair backup_share_pairs;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT * INTO pair FROM backup_share_pairs WHERE pair_id = OLD.secp256k1_pair_id;
        IF are_purged(pair.client_id, pair.generation) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'cipher texts are kept until their pair is purged'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    FOR pair IN
        SELECT * FROM backup_share_pairs
        WHERE pair_id IN (NEW.secp256k1_pair_id, NEW.ed25519_pair_id) FOR SHARE
    LOOP
        IF pair.status = 'PURGED' THEN
            RAISE EXCEPTION 'the pair of this cipher text is purged'
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

CREATE TRIGGER managed_backup_shares_are_kept BEFORE INSERT OR DELETE ON managed_backup_shares
FOR EACH ROW EXECUTE FUNCTION keep_managed_share();
CREATE TRIGGER managed_backup_shares_are_kept_all BEFORE TRUNCATE ON managed_backup_shares
FOR EACH STATEMENT EXECUTE FUNCTION refuse('custodian shares are kept until their pair is purged');

CREATE TRIGGER managed_cipher_texts_are_not_changed
BEFORE UPDATE OR TRUNCATE ON managed_cipher_texts
FOR EACH STATEMENT EXECUTE FUNCTION refuse('cipher texts are insert-only');
CREATE TRIGGER managed_cipher_texts_are_kept BEFORE INSERT OR DELETE ON managed_cipher_texts
FOR EACH ROW EXECUTE FUNCTION keep_managed_cipher_text();
