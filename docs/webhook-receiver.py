"""A receiver of Portal's webhook for plain backups, whole: it verifies, stores, and gives back.

    pip install standardwebhooks==1.1.0
    python webhook-receiver.py PORT SECRET [FORMER_SECRET]

Yours keeps the shares in a table, encrypted, and stands behind TLS.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

BODY_BYTES = 64 * 1024
# A secret without `whsec_` is from before signatures: its bytes are the key.
SECRETS = [
    Webhook(secret if secret.startswith("whsec_") else secret.encode())
    for secret in sys.argv[2:]
]

shares = {}  # (client, pair) -> share. Insert only: nothing is replaced or deleted.
heard = {}  # webhook-id -> when, of the last ten minutes
lock = threading.Lock()
began = int(time.time())  # what was heard before this is forgotten, so nothing from then is answered


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isascii() or not length.isdigit():
            return self.answer(411)
        if int(length) > BODY_BYTES:
            return self.answer(413)
        body = self.rfile.read(int(length))  # verified as it came, parsed after that
        if not any(self.is_signed_by(secret, body) for secret in SECRETS):
            return self.answer(401)
        call = json.loads(body)
        with lock:
            if self.path == "/backup":
                return self.store(call)
            if self.path == "/backup/fetch":
                return self.fetch(call)
        return self.answer(404)  # Portal does without the calls that are not here

    def is_signed_by(self, secret, body):
        try:
            secret.verify(body, dict(self.headers), json_parse=False)
            return True
        except WebhookVerificationError:
            return False

    def store(self, call):
        if not self.headers["webhook-id"].startswith("store_"):
            return self.answer(401)
        if "sealed" in call:  # "share" is then not the share: that takes portal-custodian
            return self.answer(409)
        # Both curves come with one backupMethod: the pair's id alone tells them apart.
        place = (call["clientId"], call["backupSharePairId"])
        # Before 200 it is on the disk. The same again: 200. Another share in its place: 409.
        if shares.setdefault(place, call["share"]) != call["share"]:
            return self.answer(409)
        return self.answer(200, {})

    def fetch(self, call):
        message, now = self.headers["webhook-id"], time.time()
        for old in [old for old, when in heard.items() if when < now - 600]:
            del heard[old]
        # The path is not signed, the id is; and what gives shares out is answered once.
        is_new = message not in heard and int(self.headers["webhook-timestamp"]) >= began
        if not message.startswith("fetch_") or not is_new:
            return self.answer(401)
        heard[message] = now
        pairs = call.get("backupSharePairIds")
        found = [
            share
            for (client, pair), share in shares.items()
            if client == call["clientId"] and (pairs is None or pair in pairs.values())
        ]
        return self.answer(200, {"backupShares": found})

    def answer(self, status, body=None):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass  # a log of yours holds no body and no header


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
