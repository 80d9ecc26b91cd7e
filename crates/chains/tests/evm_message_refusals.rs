use crate::evm_messages::mail;
use crate::wallet::{Wallet, patched};
use serde_json::{Value, json};

const OTHER: &str = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";

fn wallet() -> Wallet {
    Wallet::new([0x33; 32])
}

#[test]
fn personal_messages() {
    let wallet = wallet();
    let too_long = "x".repeat(128 * 1024 + 1);
    for (params, reason) in [
        (json!([]), "[data, address], in this order"),
        (
            json!(["a", OTHER, "password"]),
            "[data, address], in this order",
        ),
        (json!(["a", OTHER]), "ask the wallet that owns it"),
        (json!([OTHER, "a"]), "a 0x address of 20 bytes"),
        (json!([7]), "`data`: expected a string"),
        (json!(["0xzz"]), "hex after 0x"),
        (json!(["0x0"]), "hex after 0x"),
        (json!(["0x0x00"]), "hex after 0x"),
        (json!([too_long]), "at most 131072 bytes"),
        (
            json!([format!("0x{}", "00".repeat(128 * 1024 + 1))]),
            "at most 131072 bytes",
        ),
    ] {
        wallet.refused(
            "ethereum",
            "personal_sign",
            &params,
            "MSG_BUILD_FAILED",
            reason,
        );
    }
}

fn refused(params: &Value, reason: &str) {
    wallet().refused(
        "eip155:1",
        "eth_signTypedData_v4",
        params,
        "MSG_BUILD_FAILED",
        reason,
    );
}

#[test]
fn typed_data_for_somebody_or_somewhere_else() {
    refused(&json!([OTHER, mail()]), "ask the wallet that owns it");
    refused(&json!([mail(), OTHER]), "a string");
    refused(
        &json!([OTHER, mail(), 1]),
        "[address, typed data], in this order",
    );
    for chain in [
        json!(2),
        json!("2"),
        json!("0x2"),
        json!("0x10000000000000001"),
    ] {
        let mut data = mail();
        data["domain"]["chainId"] = chain;
        refused(&data, "but the request is for chain 1");
    }
    wallet()
        .parse("eip155:1", "eth_signTypedData_v4", &mail())
        .expect("the base is valid");
    let (id, reason) = ("MSG_BUILD_FAILED", "but the request is for chain 137");
    wallet().refused("polygon", "eth_signTypedData_v4", &mail(), id, reason);
}

#[test]
fn typed_data_that_is_incomplete_or_does_not_fit() {
    for field in ["types", "primaryType", "domain", "message"] {
        refused(
            &patched(&mail(), &json!({field: null})),
            &format!("`{field}` is missing"),
        );
    }
    refused(&json!(["{"]), "EIP-712 typed data");
    refused(&json!([7]), "an object, or its JSON text");
    refused(&json!([mail().to_string().as_str(), 1]), "a 0x address");
    let twice = Value::String(mail().to_string()).to_string();
    refused(&json!([twice]), "an object, or its JSON text");
    refused(
        &patched(&mail(), &json!({"pad": "x".repeat(128 * 1024)})),
        "at most 131072 bytes",
    );
    let long = Value::String(format!("{}{}", mail(), " ".repeat(128 * 1024)));
    refused(&json!([long]), "at most 131072 bytes");
    refused(
        &patched(&mail(), &json!({"primaryType": "Post"})),
        "a message of the declared types",
    );
    refused(
        &patched(&mail(), &json!({"types": []})),
        "EIP-712 typed data",
    );
    let mut data = mail();
    data["message"]["to"] = json!({"name": "Bob"});
    refused(&data, "a message of the declared types");
    let mut data = mail();
    data["message"]["contents"] = json!(7);
    refused(&data, "a message of the declared types");
}

/// Wallets hash such a domain in different ways, so there is no right digest.
#[test]
fn typed_data_whose_domain_is_declared_otherwise() {
    let reason = "the type of the domain's own fields";
    let declared = |edit: fn(&mut Vec<Value>)| {
        let mut data = mail();
        edit(
            data["types"]["EIP712Domain"]
                .as_array_mut()
                .expect("an array"),
        );
        data
    };
    refused(&declared(|fields| fields.swap(0, 1)), reason);
    refused(&declared(|fields| drop(fields.pop())), reason);
    refused(
        &declared(|fields| fields.push(json!({"name": "salt", "type": "bytes32"}))),
        reason,
    );
    refused(
        &declared(|fields| fields[2]["type"] = json!("uint8")),
        reason,
    );
    let mut data = mail();
    data["types"]
        .as_object_mut()
        .expect("an object")
        .remove("EIP712Domain");
    refused(&data, reason);
}

/// A message of one empty array, so that only the types can be too large.
fn with_types(types: Value, message: &Value) -> Value {
    let mut all = types;
    all["EIP712Domain"] = json!([]);
    json!({"types": all, "primaryType": "T0", "domain": {}, "message": message})
}

/// T0 is made of arrays of T1, and so on down to the last, which has a number.
fn chain_of_types(count: usize, width: usize) -> Value {
    let mut types = json!({});
    for level in 0..count {
        let inner = if level + 1 == count {
            "uint8[]".to_owned()
        } else {
            format!("T{}[]", level + 1)
        };
        let fields = (0..width).map(|field| json!({"name": format!("f{field}"), "type": inner}));
        types[format!("T{level}")] = fields.collect();
    }
    types
}

#[test]
fn types_that_would_exhaust_the_machine() {
    let (one, two) = (json!({"f0": []}), json!({"f0": [], "f1": []}));
    let accepted = |data: Value| {
        wallet()
            .parse("eip155:1", "eth_signTypedData_v4", &data)
            .expect("within the limits");
    };
    accepted(with_types(chain_of_types(16, 1), &one));
    refused(&with_types(chain_of_types(17, 1), &one), "at most 16 deep");
    accepted(with_types(chain_of_types(11, 2), &two));
    refused(
        &with_types(chain_of_types(13, 2), &two),
        "at most 4096 fields",
    );

    let array = |dimensions: usize| {
        let inner = format!("uint8{}", "[]".repeat(dimensions));
        with_types(json!({"T0": [{"name": "f0", "type": inner}]}), &one)
    };
    // Arrays of a struct are measured by that struct.
    let mut data = with_types(chain_of_types(13, 2), &json!([two]));
    data["primaryType"] = json!("T0[]");
    refused(&data, "at most 4096 fields");
    accepted(array(8));
    refused(&array(9), "at most 8 dimensions");
    refused(&array(20_000), "names of at most 256 bytes");
    let mut data = array(1);
    data["primaryType"] = json!("T0[][][][][][][][][]");
    refused(&data, "at most 8 dimensions");

    let many = |count: usize| {
        let mut types = json!({"T0": [{"name": "f0", "type": "uint8[]"}]});
        (1..count).for_each(|unused| types[format!("U{unused}")] = json!([]));
        with_types(types, &one)
    };
    let named = |name: &str| {
        let types =
            json!({"T0": [{"name": "f0", "type": "uint8[]"}, {"name": name, "type": "uint8"}]});
        let mut data = with_types(types, &one);
        data["message"][name] = json!(1);
        data
    };
    accepted(named(&"n".repeat(256)));
    refused(&named(&"n".repeat(257)), "names of at most 256 bytes");
    refused(&named("f0"), "fields of different names");
    let mut data = array(1);
    data["types"][&"N".repeat(257)] = json!([]);
    refused(&data, "names of at most 256 bytes");

    // A few bytes of message each, and a type of thirty kilobytes written out for each of them.
    let fields = (0..120).map(|field| json!({"name": format!("{field:0>200}"), "type": "uint8"}));
    let types = json!({
        "T0": [{"name": "f0", "type": "E[]"}],
        "E": [{"name": "l", "type": "L[]"}],
        "L": fields.collect::<Vec<_>>(),
    });
    let elements =
        |count: usize| with_types(types.clone(), &json!({"f0": vec![json!({"l": []}); count]}));
    accepted(elements(30));
    refused(&elements(60), "at most 1048576 bytes in all");
    refused(&elements(9_000), "at most 1048576 bytes in all");
    let mut fixed = elements(60);
    fixed["types"]["T0"][0]["type"] = json!("E[60]");
    refused(&fixed, "at most 1048576 bytes in all");

    accepted(many(127));
    refused(&many(128), "at most 128 types");

    let itself = json!({"T0": [{"name": "f0", "type": "T0[]"}]});
    refused(&with_types(itself, &one), "do not contain themselves");
}

/// Types that Solidity knows and EIP-712 does not must end in an error, not in a panic.
#[test]
fn types_outside_the_standard() {
    for (name, value) in [
        ("(uint8,uint8)", json!([1, 2])),
        ("tuple(uint8,uint8)", json!([1, 2])),
        ("(uint8,uint8)[]", json!([[1, 2]])),
        ("()", json!([])),
        ("", json!("")),
        ("[]", json!([])),
        ("uint7", json!(1)),
        ("bytes33", json!("0x00")),
        ("uint8[", json!([])),
        ("uint8[-1]", json!([])),
        ("mapping(uint8 => uint8)", json!({})),
    ] {
        let types = json!({"T0": [{"name": "f0", "type": name}]});
        refused(&with_types(types, &json!({"f0": value})), "expected");
    }
    for (name, value) in [
        (
            "function",
            json!("0x000000000000000000000000000000000000000000000000"),
        ),
        ("uint8[0]", json!([])),
    ] {
        let types = json!({"T0": [{"name": "f0", "type": name}]});
        let data = with_types(types, &json!({"f0": value}));
        let _either = wallet().parse("eip155:1", "eth_signTypedData_v4", &data);
    }
    for primary in [
        "uint8",
        "T0[]",
        "(T0)",
        "EIP712Domain",
        "",
        "bytes",
        "string",
    ] {
        let mut data = with_types(json!({"T0": []}), &json!({}));
        data["primaryType"] = json!(primary);
        for message in [json!({}), json!([]), json!([{}]), json!("0x"), json!("1")] {
            data["message"] = message;
            refused(&data, "expected");
        }
    }
}

/// What is shown and not signed, and what another reader would read otherwise.
#[test]
fn typed_data_has_one_reading() {
    let edited = |edit: fn(&mut Value)| {
        let mut data = mail();
        edit(&mut data);
        data
    };
    for (data, reason) in [
        (
            edited(|data| data["message"]["spender"] = json!(OTHER)),
            "`spender` is unknown",
        ),
        (
            edited(|data| data["message"]["to"]["amount"] = json!(1)),
            "`amount` is unknown",
        ),
        (
            edited(|data| data["domain"]["contract"] = json!(OTHER)),
            "`contract` is unknown",
        ),
        (
            edited(|data| data["note"] = json!("hi")),
            "`note` is unknown",
        ),
        (
            edited(|data| data["types"]["Mail"][2]["note"] = json!(1)),
            "`note` is unknown",
        ),
        (
            edited(|data| data["domain"] = json!(["Ether Mail", "1", 1, OTHER])),
            "`domain`: expected an object",
        ),
        (
            edited(|data| data["types"]["Mail"][2] = json!(["string", "contents"])),
            "`types`: expected an object",
        ),
        (
            edited(|data| data["types"]["address"] = json!([{"name": "a", "type": "string"}])),
            "not named like a type",
        ),
        (
            edited(|data| data["types"]["Mail[]"] = json!([])),
            "identifiers",
        ),
        (
            edited(|data| data["types"]["Mail"] = json!({"contents": "string"})),
            "a list of {name, type} for each type",
        ),
        (
            edited(|data| data["types"]["Mail"][2] = json!({"type": "string"})),
            "field `name` is missing",
        ),
        (
            edited(|data| data["types"]["Mail"][2] = json!({"name": "contents"})),
            "field `type` is missing",
        ),
        (
            edited(|data| data["types"]["Mail"][2]["name"] = json!(7)),
            "`types`: expected a string",
        ),
        (
            edited(|data| data["primaryType"] = json!("EIP712Domain")),
            "the type of a message",
        ),
    ] {
        refused(&data, reason);
    }
    for (from, to) in [
        ("\"contents\":", "\"contents\":\"Hi\",\"contents\":"),
        ("\"message\":", "\"message\":{},\"message\":"),
    ] {
        let twice = mail().to_string().replacen(from, to, 1);
        refused(&json!([twice]), "each key once");
    }
}

/// Bytes are hex, and hex begins with 0x; text is text, whatever it begins with.
#[test]
fn values_of_typed_data_have_one_reading() {
    let data = |kind: &str, value: Value| {
        let types = json!({"T0": [{"name": "f0", "type": kind}]});
        with_types(types, &json!({"f0": value}))
    };
    let accepted = |kind: &str, value: Value| {
        let data = data(kind, value);
        let parsed = wallet().parse("eip155:1", "eth_signTypedData_v4", &data);
        parsed.unwrap_or_else(|error| panic!("{error}: {data}"));
    };
    for kind in ["bytes[]", "bytes[1]"] {
        accepted(kind, json!(["0xa905"]));
        refused(&data(kind, json!([[0xa9, 5]])), "bytes as 0x hex");
        refused(&data(kind, json!(["0Xa905"])), "begins with 0x");
    }
    for (kind, digits) in [
        ("uint256", "0a"),
        ("int256", "0a"),
        ("bytes2", "a905"),
        ("address", &OTHER[2..]),
    ] {
        accepted(kind, json!(format!("0x{digits}")));
        let kept = wallet().parse(
            "eip155:1",
            "eth_signTypedData_v4",
            &data(kind, json!(format!("0X{digits}"))),
        );
        kept.expect_err(kind);
    }
    accepted("string", json!("0Xa905"));
}
