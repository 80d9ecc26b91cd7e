-- E20: the life of this database, and in which of them a wallet proved itself last.
CREATE TABLE deployment (
    only_row       INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    epoch          INTEGER NOT NULL CHECK (epoch >= 0),
    epoch_began_at INTEGER NOT NULL
) STRICT;

INSERT INTO deployment (only_row, epoch, epoch_began_at) VALUES (1, 0, 0);

CREATE TRIGGER deployment_epoch_only_grows BEFORE UPDATE ON deployment
WHEN NEW.epoch <= OLD.epoch
BEGIN
    SELECT RAISE(ABORT, 'the epoch only grows');
END;

CREATE TRIGGER deployment_is_kept BEFORE DELETE ON deployment
BEGIN
    SELECT RAISE(ABORT, 'the epoch is never deleted');
END;

ALTER TABLE wallets ADD COLUMN proved_in INTEGER NOT NULL DEFAULT 0 CHECK (proved_in >= 0);

-- E9, E10, E18: ages count from the last change of status.
ALTER TABLE signing_share_pairs ADD COLUMN status_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_share_pairs ADD COLUMN proved_at INTEGER;
UPDATE signing_share_pairs SET status_since = created_at;

ALTER TABLE backup_share_pairs ADD COLUMN status_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE backup_share_pairs ADD COLUMN proved_at INTEGER;
UPDATE backup_share_pairs SET status_since = created_at;

-- E18: what a custodian is still to be told, one row for each pair and what became of it.
CREATE TABLE custodian_notices (
    secp256k1_pair_id BLOB    NOT NULL REFERENCES backup_share_pairs (pair_id),
    ed25519_pair_id   BLOB    NOT NULL REFERENCES backup_share_pairs (pair_id),
    client_id         BLOB    NOT NULL REFERENCES wallets (client_id),
    status            TEXT    NOT NULL CHECK (status IN ('ABANDONED', 'PURGED')),
    attempts          INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at            INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    PRIMARY KEY (secp256k1_pair_id, status)
) STRICT;

CREATE INDEX custodian_notices_by_due ON custodian_notices (due_at, secp256k1_pair_id);
CREATE INDEX custodian_notices_by_client ON custodian_notices (client_id);
CREATE INDEX outbox_by_creation ON outbox (created_at);
