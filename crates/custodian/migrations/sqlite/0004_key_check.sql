-- A seal under the key of this database, made when it was first opened: another key is refused.
CREATE TABLE key_check (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    sealed   BLOB NOT NULL
) STRICT;

CREATE TRIGGER key_check_never_updated BEFORE UPDATE ON key_check
BEGIN
    SELECT RAISE(ABORT, 'key_check is insert-only');
END;

CREATE TRIGGER key_check_never_deleted BEFORE DELETE ON key_check
BEGIN
    SELECT RAISE(ABORT, 'key_check is insert-only');
END;

CREATE TRIGGER key_check_never_replaced BEFORE INSERT ON key_check
WHEN EXISTS (SELECT 1 FROM key_check)
BEGIN
    SELECT RAISE(ABORT, 'key_check is insert-only');
END;
