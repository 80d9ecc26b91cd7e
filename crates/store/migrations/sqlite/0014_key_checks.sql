-- What each KMS of this database sealed when it was first used: a server that does not open it has
-- another key. Changed only by wrapping its data key anew.
CREATE TABLE key_checks (
    kms    TEXT NOT NULL PRIMARY KEY CHECK (kms IN ('MAIN', 'MANAGED_BACKUPS')),
    sealed BLOB NOT NULL
) STRICT;

CREATE TRIGGER key_checks_keep_their_identity BEFORE UPDATE OF kms ON key_checks
BEGIN
    SELECT RAISE(ABORT, 'a key check is of one KMS');
END;

CREATE TRIGGER key_checks_are_kept BEFORE DELETE ON key_checks
BEGIN
    SELECT RAISE(ABORT, 'key checks are never deleted');
END;

-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER key_checks_are_not_replaced BEFORE INSERT ON key_checks
WHEN EXISTS (SELECT 1 FROM key_checks WHERE kms = NEW.kms)
BEGIN
    SELECT RAISE(ABORT, 'a KMS has one key check');
END;
