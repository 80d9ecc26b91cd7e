//! The way out: both keys from a cipher text and the custodian's shares, where there is no network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portal_mpc::{Blind, KeyShare, Secp256k1};
use serde_json::{Value, json};

use crate::installation::{Installation, error_in, expect_success, portal};
use crate::signing::{MESSAGE, SIGN_EVM, SIGN_SOLANA, addresses};
use crate::verify;

const PASSWORD: &str = "correct horse battery staple";

/// A wallet with a backup by password, and a newer one by a key in a folder; and a stranger's, with
/// one by a key.
struct Left {
    installation: Installation,
    client: String,
    addresses: Value,
}

impl Left {
    /// All services are gone; what the user and the custodian keep is here.
    fn behind(mut installation: Installation, mode: &str) -> Self {
        let made = installation.client("phone", &["create"]);
        installation.client("stranger", &["create"]);
        fs::write(installation.path("password"), PASSWORD).unwrap();
        for device in ["phone", "stranger"] {
            installation.wallet(device, &["create"]);
        }
        let keep = "--cipher-text-file";
        let by_password = ["backup", "--password-file", "password", keep, "by-password"];
        installation.wallet("phone", &by_password);
        let by_key = ["backup", "--folder", "drive", keep, "by-key"];
        installation.wallet("phone", &by_key);
        let strange = ["backup", "--folder", "drive", keep, "strange"];
        installation.wallet("stranger", &strange);
        let addresses = addresses(&installation, "phone");
        assert_eq!(modes(&installation), [mode; 4]);

        // The custodian still runs, and is not asked. What lets a device recover is not needed.
        for name in ["sealing-key", "backend-secret"] {
            fs::remove_file(installation.path("custodian").join(name)).unwrap();
        }
        let client = made["clientId"].as_str().unwrap().to_owned();
        for arguments in [
            ["--client", &client, "-o", "shares"].as_slice(),
            &["--all", "-o", "all"],
            &["--all", "--directory", "each"],
        ] {
            let mut export = unconnected(&installation);
            export.args(["custodian", "export-shares", "--data", "custodian"]);
            export.args(arguments);
            expect_success(export);
        }
        installation.stop();
        Self {
            installation,
            client,
            addresses,
        }
    }

    /// Of a sealed backup, which is what there is where nobody asks for another mode.
    fn behind_sealed() -> Self {
        Self::behind(Installation::start_sealed(), "SEALED")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.installation.path(name)
    }

    fn recover(&self, arguments: &[&str]) -> Value {
        let mut command = unconnected(&self.installation);
        command.arg("recover-offline").args(arguments);
        expect_success(command)
    }

    /// The error of a run that must fail.
    fn refusal(&self, arguments: &[&str]) -> Value {
        let mut command = unconnected(&self.installation);
        command.arg("recover-offline").args(arguments);
        let output = command.arg("--json").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success(),
            "expected a failure of {arguments:?}"
        );
        assert!(output.stdout.is_empty(), "nothing is told of a failure");
        error_in(&stderr)
    }

    /// The shares in a file of the custodian's.
    fn shares(&self, file: &str) -> Vec<Value> {
        let text = fs::read(self.path(file)).unwrap();
        let file: Value = serde_json::from_slice(&text).unwrap();
        file["shares"].as_array().unwrap().clone()
    }
}

/// The program in a network namespace of its own, in which not even loopback is up.
fn unconnected(installation: &Installation) -> Command {
    let program = portal(installation.root());
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--map-root-user"])
        .arg(program.get_program())
        .env_clear()
        .current_dir(installation.root());
    command
}

/// The mode of each backup pair of the phone's wallet.
fn modes(installation: &Installation) -> Vec<String> {
    let status = installation.wallet("phone", &["status"]);
    let wallets = status["client"]["wallets"].as_array().unwrap();
    let pairs = wallets
        .iter()
        .flat_map(|wallet| wallet["backupSharePairs"].as_array().unwrap());
    pairs
        .map(|pair| pair["backupMode"].as_str().unwrap().to_owned())
        .collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

const BY_PASSWORD: [&str; 4] = [
    "--cipher-text-file",
    "by-password",
    "--password-file",
    "password",
];
const BY_KEY: [&str; 4] = ["--cipher-text-file", "by-key", "--folder", "drive"];
const SHARES: [&str; 2] = ["--custodian-shares", "shares"];

#[test]
fn both_keys_of_a_sealed_backup_come_back_without_a_network_and_sign() {
    both_keys_come_back(&Left::behind_sealed());
}

#[test]
fn both_keys_of_a_plain_backup_come_back_without_a_network_and_sign() {
    both_keys_come_back(&Left::behind(Installation::start(), "PLAIN"));
}

fn both_keys_come_back(left: &Left) {
    for (backup, shares) in [
        (BY_PASSWORD, "shares"),
        (BY_KEY, "shares"),
        (BY_PASSWORD, "all"),
        (BY_KEY, "all"),
    ] {
        let out = format!("keys-{}-{shares}", backup[1]);
        let given = ["--custodian-shares", shares, "--out", &out, "--print-keys"];
        let told = left.recover(&[&backup[..], &given].concat());
        assert_eq!(
            told["addresses"]["eip155"],
            left.addresses["eip155"]["address"]
        );
        assert_eq!(
            told["addresses"]["solana"],
            left.addresses["solana"]["address"]
        );
        let signed = told["keys"]["privateKey"].as_str().unwrap();
        let written: Value = serde_json::from_slice(&fs::read(left.path(&out)).unwrap()).unwrap();
        assert_eq!(written["format"], "portal-recovered-keys-v1");
        assert_eq!(written["secp256k1"]["privateKey"], signed);
        assert_eq!(written["ed25519"]["scalar"], told["keys"]["scalar"]);
        assert_eq!(mode(&left.path(&out)), 0o600);
        assert_is_the_key(signed, &told);
        sign(left, &out);
    }
    // The same key in a file of the user's choice.
    let key = fs::read_dir(left.path("drive")).unwrap();
    let mut key = key.filter_map(|file| {
        let path = file.unwrap().path();
        let told = ["--cipher-text-file", "by-key", "--key-file"];
        let arguments = [&told[..], &[path.to_str().unwrap()], &SHARES].concat();
        let mut command = unconnected(&left.installation);
        command.arg("recover-offline").args(arguments);
        command.output().unwrap().status.success().then_some(path)
    });
    assert!(
        key.next().is_some() && key.next().is_none(),
        "one of the two keys"
    );

    // Keys are written only where they were asked for, and never over a file.
    let quiet = left.recover(&[&BY_KEY[..], &SHARES].concat());
    assert!(quiet.get("keys").is_none(), "{quiet}");
    assert!(quiet["written"].is_null());
    let before = fs::read(left.path("password")).unwrap();
    left.refusal(&[&BY_KEY[..], &SHARES, &["--out", "password"]].concat());
    assert_eq!(fs::read(left.path("password")).unwrap(), before);
}

/// libsecp256k1 makes the public key of the private one; the WIF is that key once more.
fn assert_is_the_key(private_key: &str, told: &Value) {
    let bytes: [u8; 32] = hex::decode(&private_key[2..]).unwrap().try_into().unwrap();
    let secret = secp256k1::SecretKey::from_secret_bytes(bytes).unwrap();
    let public = secp256k1::PublicKey::from_secret_key(&secret);
    assert_eq!(
        told["publicKeys"]["secp256k1"],
        hex::encode(public.serialize())
    );
    let wif = told["keys"]["wif"].as_str().unwrap();
    let wif = bitcoin::PrivateKey::from_wif(wif).unwrap();
    assert_eq!(wif.to_bytes(), bytes);
    let hash = wif.public_key(&bitcoin::secp256k1::Secp256k1::new());
    let hash = bitcoin::CompressedPublicKey(hash.inner);
    let address = bitcoin::Address::p2wpkh(&hash, bitcoin::KnownHrp::Mainnet);
    assert_eq!(told["addresses"]["bip122"], address.to_string());
}

fn sign(left: &Left, keys: &str) {
    let sign = |arguments: &[&str]| {
        let mut command = unconnected(&left.installation);
        command.args(["offline-sign", "--keys", keys]);
        command.args(&arguments[1..]);
        expect_success(command)
    };
    let evm = left.addresses["eip155"]["address"].as_str().unwrap();
    let signed = sign(&SIGN_EVM);
    let digest = verify::personal_digest(MESSAGE);
    assert_eq!(
        verify::evm_signer(digest, signed["signed"].as_str().unwrap()),
        evm
    );

    let solana = left.addresses["solana"]["address"].as_str().unwrap();
    let signed = sign(&SIGN_SOLANA);
    let signature: solana_signature::Signature =
        signed["signed"].as_str().unwrap().parse().unwrap();
    verify::ed25519(solana, MESSAGE.as_bytes(), signature.as_ref());
    let transfer = json!(verify::solana_transfer(solana)).to_string();
    let method = "sol_signTransaction";
    let transaction = [
        "sign", "--chain", "solana", "--method", method, "--params", &transfer,
    ];
    let signed = sign(&transaction);
    verify::solana_transaction(solana, signed["signed"].as_str().unwrap());
}

#[test]
fn what_does_not_belong_together_is_told_apart() {
    let left = Left::behind_sealed();
    let id = |told: &Value| told["id"].as_str().unwrap().to_owned();
    let refused = |arguments: &[&str], expected: &str, word: &str| {
        let told = left.refusal(arguments);
        assert_eq!(id(&told), expected, "{told}");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains(word), "expected {word:?} in {detail:?}");
    };

    fs::write(left.path("wrong"), "correct horse").unwrap();
    let text = ["--cipher-text-file", "by-password", "--password-file"];
    let wrong = [&text[..], &["wrong"], &SHARES].concat();
    refused(&wrong, "DECRYPT_FAILED", "not the password");
    // Another's key under the name of this one.
    let keys: Vec<_> = fs::read_dir(left.path("drive")).unwrap().collect();
    assert_eq!(keys.len(), 2);
    fs::create_dir(left.path("mixed")).unwrap();
    let [one, other] = [0, 1].map(|index: usize| keys[index].as_ref().unwrap());
    fs::copy(one.path(), left.path("mixed").join(other.file_name())).unwrap();
    fs::copy(other.path(), left.path("mixed").join(one.file_name())).unwrap();
    let text = ["--cipher-text-file", "by-key", "--folder"];
    let mixed = [&text[..], &["mixed"], &SHARES].concat();
    refused(&mixed, "DECRYPT_FAILED", "not the key");
    let elsewhere = [&text[..], &["each"], &SHARES].concat();
    refused(&elsewhere, "BACKUP_KEY_NOT_FOUND", "holds no key");

    tamper(&left.path("by-password"), &left.path("tampered"));
    let text = [
        "--cipher-text-file",
        "tampered",
        "--password-file",
        "password",
    ];
    let tampered = [&text[..], &SHARES].concat();
    refused(&tampered, "DECRYPT_FAILED", "changed");

    let text = ["--cipher-text-file", "strange", "--folder", "drive"];
    let strange = [&text[..], &SHARES].concat();
    refused(&strange, "CUSTODIAN_SHARE_NOT_FOUND", "none of that client");
    for (name, expected, word, change) in spoilt() {
        spoil(&left, name, change);
        let spoilt = [&BY_KEY[..], &["--custodian-shares", name]].concat();
        refused(&spoilt, expected, word);
    }
    let text = fs::read(left.path("shares")).unwrap();
    fs::write(left.path("cut-file"), &text[..text.len() / 2]).unwrap();
    let told = left.refusal(&[&BY_KEY[..], &["--custodian-shares", "cut-file"]].concat());
    let told = told["detail"].as_str().unwrap();
    assert!(
        told.contains("in cut-file: expected a portal-custodian-shares-v1 file"),
        "{told}"
    );
    let directory = fs::read_dir(left.path("each")).unwrap();
    assert_eq!(directory.count(), 2, "a file for each client");
    for file in ["shares", "all"] {
        assert_eq!(mode(&left.path(file)), 0o600);
    }
    let mut again = portal(left.installation.root());
    again.args(["custodian", "export-shares", "--data", "custodian", "--all"]);
    let before = fs::read(left.path("shares")).unwrap();
    let again = again.args(["-o", "shares"]).stderr(Stdio::null()).status();
    assert!(!again.unwrap().success(), "a file is not overwritten");
    assert_eq!(fs::read(left.path("shares")).unwrap(), before);
}

/// The header names another generation; nothing else is changed.
fn tamper(from: &Path, to: &Path) {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let text = fs::read_to_string(from).unwrap();
    let parts: Vec<_> = text.split('.').collect();
    let mut header: Value = serde_json::from_slice(&base64.decode(parts[1]).unwrap()).unwrap();
    header["generation"] = json!(77);
    let header = base64.encode(header.to_string());
    fs::write(to, [parts[0], &header, parts[2]].join(".")).unwrap();
}

/// A name, the error, a word of its detail, and what is changed; a stranger's share is at hand.
type Spoilt = (
    &'static str,
    &'static str,
    &'static str,
    fn(&mut Vec<Value>, &Value),
);

/// What can be wrong with the custodian's shares; the first two are of the newest backup.
fn spoilt() -> [Spoilt; 7] {
    let unread = "cannot be read";
    let misplaced = "another's place";
    let mismatch = "BACKUP_SHARE_MISMATCH";
    [
        ("older", "CUSTODIAN_SHARE_NOT_FOUND", "only", |shares, _| {
            shares.drain(..2);
        }),
        ("swapped", mismatch, misplaced, |shares, _| {
            let share = |index: usize| shares[index]["share"].clone();
            let (newer, older) = (share(0), share(2));
            (shares[0]["share"], shares[2]["share"]) = (older, newer);
        }),
        ("strangers", mismatch, misplaced, |shares, stranger| {
            shares[0]["share"] = stranger.clone();
        }),
        ("other-curve", mismatch, unread, |shares, _| {
            shares[0]["share"] = shares[1]["share"].clone();
        }),
        ("changed", mismatch, unread, |shares, _| {
            let text = shares[0]["share"].as_str().unwrap();
            let changed = if &text[50..51] == "A" { "B" } else { "A" };
            let changed = format!("{}{changed}{}", &text[..50], &text[51..]);
            shares[0]["share"] = json!(changed);
        }),
        ("cut", mismatch, unread, |shares, _| {
            let text = shares[1]["share"].as_str().unwrap();
            shares[1]["share"] = json!(&text[..100]);
        }),
        (
            "blinded",
            mismatch,
            "not the two of one key",
            |shares, _| {
                shares[0]["share"] = blinded(&shares[0]["share"]);
            },
        ),
    ]
}

/// As the server has a share of a sealed backup: whole, of the same pair, and another.
fn blinded(share: &Value) -> Value {
    use base64::Engine as _;
    use rand::SeedableRng as _;
    let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let share = base64.decode(share.as_str().unwrap()).unwrap();
    let share = KeyShare::<Secp256k1>::decode(&share).unwrap();
    let blind = Blind::draw(&share, b"", &mut rand::rngs::StdRng::from_seed([7; 32]));
    let share = share.blinded(&blind).unwrap();
    json!(base64.encode(share.encode().as_slice()))
}

fn spoil(left: &Left, name: &str, change: fn(&mut Vec<Value>, &Value)) {
    let mut shares = left.shares("shares");
    assert_eq!(shares.len(), 4, "two backups");
    assert_eq!(shares[0]["curve"], "SECP256K1");
    let all = left.shares("all");
    let stranger = all
        .iter()
        .find(|share| share["clientId"] != left.client && share["curve"] == "SECP256K1");
    change(&mut shares, &stranger.unwrap()["share"]);
    let file = json!({ "format": "portal-custodian-shares-v1", "shares": shares });
    fs::write(left.path(name), file.to_string()).unwrap();
}

/// The recipe of the documentation, as it stands there, comes to the same keys.
#[test]
fn the_recipe_needs_nothing_of_ours() {
    let left = Left::behind_sealed();
    let page = include_str!("../../../../docs/offline-recovery.md");
    let (_, recipe) = page.split_once("```python\n").unwrap();
    let (recipe, _) = recipe.split_once("```").unwrap();
    fs::write(left.path("recipe.py"), recipe).unwrap();
    let key = left.recover(&[&BY_KEY[..], &SHARES, &["--print-keys"]].concat());
    let keys = fs::read_dir(left.path("drive")).unwrap();
    let keys = keys.map(|file| file.unwrap().path().to_str().unwrap().to_owned());
    let keys: Vec<_> = keys.collect();
    let run = |text: &str, secret: &str| {
        let python = python();
        let output = Command::new(&python)
            .current_dir(left.installation.root())
            .args(["recipe.py", text, secret, "all"])
            .output()
            .unwrap_or_else(|error| panic!("{error}: {}", missing(&python)));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !stderr.contains("ModuleNotFoundError"),
            "{}",
            missing(&python)
        );
        serde_json::from_slice::<Value>(&output.stdout).map_err(|_| stderr)
    };
    let by_password = run("by-password", "password").unwrap();
    assert_eq!(by_password["privateKey"], key["keys"]["privateKey"]);
    assert_eq!(by_password["scalar"], key["keys"]["scalar"]);
    for chain in ["eip155", "solana"] {
        assert_eq!(by_password[chain], left.addresses[chain]["address"]);
    }
    let by_key: Vec<_> = keys
        .iter()
        .filter_map(|key| run("by-key", key).ok())
        .collect();
    assert_eq!(by_key, [by_password], "one of the two keys opens it");
    fs::write(left.path("wrong"), "correct horse").unwrap();
    let wrong = run("by-password", "wrong").unwrap_err();
    assert!(wrong.contains("another password or key"), "{wrong}");
}

fn python() -> PathBuf {
    let given = std::env::var_os("PORTAL_TEST_RECIPE_PYTHON").map(PathBuf::from);
    given.unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/recipe/bin/python")
    })
}

fn missing(python: &Path) -> String {
    format!(
        "the recipe could not be run with {}; `cargo xtask test` installs what it needs, or name \
         a Python that has argon2-cffi and pycryptodome in PORTAL_TEST_RECIPE_PYTHON",
        python.display()
    )
}
