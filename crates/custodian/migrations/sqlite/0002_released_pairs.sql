-- E18: pairs that Portal said are of no use any more. Insert-only, like the rest: the shares stay.
CREATE TABLE released_pair (
    client_id            TEXT    NOT NULL,
    backup_share_pair_id TEXT    NOT NULL,
    created_at_ms        INTEGER NOT NULL,
    PRIMARY KEY (client_id, backup_share_pair_id)
) STRICT;

CREATE TRIGGER released_pair_never_updated BEFORE UPDATE ON released_pair
BEGIN
    SELECT RAISE(ABORT, 'released_pair is insert-only');
END;

CREATE TRIGGER released_pair_never_deleted BEFORE DELETE ON released_pair
BEGIN
    SELECT RAISE(ABORT, 'released_pair is insert-only');
END;
