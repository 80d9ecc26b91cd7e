-- What each KMS of this database sealed when it was first used: a server that does not open it has
-- another key. Changed only by wrapping its data key anew.
CREATE TABLE key_checks (
    kms    TEXT  NOT NULL PRIMARY KEY CHECK (kms IN ('MAIN', 'MANAGED_BACKUPS')),
    sealed BYTEA NOT NULL
);

CREATE TRIGGER key_checks_keep_their_identity BEFORE UPDATE OF kms ON key_checks
FOR EACH STATEMENT EXECUTE FUNCTION refuse('a key check is of one KMS');

CREATE TRIGGER key_checks_are_kept BEFORE DELETE OR TRUNCATE ON key_checks
FOR EACH STATEMENT EXECUTE FUNCTION refuse('key checks are never deleted');
