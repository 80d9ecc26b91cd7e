#!/usr/bin/env python3
"""Verifies lines of Portal's audit log, as docs/audit-log.md describes their hash.

    python3 verify_audit_log.py [--since SEQUENCE:HASH] PAGE.json ...

Each file is an answer of GET /api/v3/custodians/me/audit-events without filters, in order. Together
they hold a chain from its first line to its end; or, with --since, from the line of that checkpoint
on, which is there to show that it is still the same: ask with its number less one as `cursor`.
Prints the checkpoint of the last line, and fails where a line is not as it was written, or where the
end is missing: the last page says how many lines there are. Needs Python 3.11 and nothing else.
"""

import datetime
import hashlib
import json
import sys
import uuid

BEGINNINGS = ["ENVIRONMENT_MADE", "CARRIED_SIGNATURE"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def milliseconds(text):
    return (datetime.datetime.fromisoformat(text) - EPOCH) // datetime.timedelta(milliseconds=1)


def line_hash(line):
    """SHA-256 over the fields of a line, each after its length in four bytes."""
    client, actor = line["clientId"], line["actor"]
    fields = [
        b"portal audit line v1",
        line["version"].to_bytes(1, "big"),
        uuid.UUID(line["environmentId"]).bytes,
        line["sequence"].to_bytes(8, "big"),
        bytes.fromhex(line["previousHash"]),
        milliseconds(line["createdAt"]).to_bytes(8, "big"),
        actor["kind"].encode(),
        (actor["id"] or "").encode(),
        uuid.UUID(line["traceId"]).bytes,
        uuid.UUID(client).bytes if client else b"",
        line["act"].encode(),
        len(line["details"]).to_bytes(4, "big"),
    ]
    for name in sorted(line["details"], key=str.encode):
        fields += [name.encode(), line["details"][name].encode()]
    hashed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return hashlib.sha256(hashed).hexdigest()


def verify(lines, total, since=None):
    """The number and hash of the last line; exits where a line is wrong or missing."""
    sequence, previous, environment, first = 0, "00" * 32, None, None
    for line in lines:
        first = first or line["act"]
        kept = since if environment is None else None
        environment = environment or line["environmentId"]
        if kept:
            # Whatever the line before it was, the checkpoint vouches for it.
            sequence, previous = kept[0] - 1, line["previousHash"]
        sequence += 1
        for what, expected, got in [
            ("number", sequence, line["sequence"]),
            ("version", 1, line["version"]),
            ("environment", environment, line["environmentId"]),
            ("previous hash", previous, line["previousHash"]),
            ("hash", line_hash(line), line["hash"]),
            ("the checkpoint's hash", kept[1] if kept else line["hash"], line["hash"]),
        ]:
            if expected != got:
                sys.exit(f"line {sequence}: expected {what} {expected}, got {got}")
        previous = line["hash"]
    if not since and first not in BEGINNINGS:
        sys.exit(f"expected a chain that begins with one of {', '.join(BEGINNINGS)}")
    if since and environment is None:
        sys.exit(f"expected line {since[0]} of the checkpoint, got no line")
    if sequence != total:
        sys.exit(f"expected the chain to end at line {total}, got lines up to {sequence}")
    return sequence, previous


def main(arguments):
    since = None
    if arguments[:1] == ["--since"]:
        sequence, kept = arguments[1].split(":")
        since, arguments = (int(sequence), kept), arguments[2:]
    pages = [json.load(open(path, encoding="utf-8")) for path in arguments]
    if not pages:
        sys.exit("expected pages of the log, got none")
    lines = (line for page in pages for line in page["results"])
    # Of the last page: the log may have grown while the others were read.
    print("{}:{}".format(*verify(lines, pages[-1]["metadata"]["total"], since)))


if __name__ == "__main__":
    main(sys.argv[1:])
