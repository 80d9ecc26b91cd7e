-- Ids of calls that are answered once, for as long as they would be believed. Others that share this
-- database see them, and so does a process that is started anew. The only table that forgets.
CREATE TABLE heard_call (
    webhook_id  TEXT    NOT NULL PRIMARY KEY,
    heard_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX heard_call_by_time ON heard_call (heard_at_ms);
