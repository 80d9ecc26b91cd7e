"""Texts of the formats that the description names and no pattern can say; and a list of what was
answered.

Each strategy makes texts that the server is to accept.
"""

import os

import schemathesis
from hypothesis import strategies as st

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + text


# In one case no checksum is asked for; in both it is (the last is of EIP-55's own examples).
evm = st.one_of(
    st.from_regex(r"0x[0-9a-f]{40}", fullmatch=True),
    st.just("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
)
solana = st.binary(min_size=32, max_size=32).map(base58)
# Of BIP-173, BIP-350, and the first block.
bitcoin = st.sampled_from(
    [
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ]
)
names = st.from_regex(r"[a-z]{1,12}\.(example|test)", fullmatch=True)
paths = st.from_regex(r"(/[a-z0-9._~-]{1,8}){0,3}", fullmatch=True)

schemathesis.openapi.format("evm-address", evm)
schemathesis.openapi.format("solana-address", solana)
schemathesis.openapi.format("account-address", st.one_of(evm, solana, bitcoin))
schemathesis.openapi.format("uint256", st.integers(0, 2**256 - 1).map(str))
schemathesis.openapi.format(
    "webhook-base-url", st.builds("https://{}{}".format, names, paths)
)


@schemathesis.hook
def after_call(context, case, response):
    """Notes each operation with the status of its answer."""
    operation = case.operation.definition.raw["operationId"]
    with open(os.environ["PORTAL_SCHEMATHESIS_ANSWERS"], "a") as answers:
        answers.write(f"{operation} {response.status_code}\n")
