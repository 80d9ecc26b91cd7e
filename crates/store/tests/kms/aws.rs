//! AWS KMS, as moto plays it.
//!
//! moto authenticates the encryption context and the cipher text as AWS does. Where AWS answers
//! `IncorrectKeyException` or `InvalidCiphertextException` because the cipher text names another
//! key, moto answers `AccessDeniedException`, so that a few changes are forbidden, not refused.
//! Keys that are disabled or deleted it still uses; `aws_errors` plays those answers.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Credentials;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use portal_store::kms::conformance::Backend;
use portal_store::kms::{AwsKms, AwsKmsError, EndpointError, Kms as _, KmsError, WrappedKey};

use super::moto::Moto;
use super::{context, error_of, opens, wrap};

const SECRET: &str = "planted-secret-access-key";

/// An alias of its own, at a moto that is shared.
struct Aws {
    moto: Arc<Moto>,
    alias: String,
}

impl Aws {
    async fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let alias = format!("alias/portal-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let moto = Moto::shared();
        let it = Self { moto, alias };
        let key = it.new_key().await;
        let made = it.admin().await.create_alias();
        made.alias_name(&it.alias)
            .target_key_id(key)
            .send()
            .await
            .unwrap();
        it
    }

    /// Whoever makes keys; no part of what is tested.
    async fn admin(&self) -> Client {
        let config = loader()
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.moto.url)
            .load();
        Client::new(&config.await)
    }

    async fn new_key(&self) -> String {
        // Named, because moto describes only what was.
        let made = self.admin().await.create_key();
        let made = made
            .key_spec(KeySpec::SymmetricDefault)
            .key_usage(KeyUsageType::EncryptDecrypt)
            .send()
            .await
            .unwrap();
        made.key_metadata().unwrap().arn().unwrap().to_owned()
    }

    async fn kms(&self, key: &str) -> Result<AwsKms, AwsKmsError> {
        AwsKms::with_loader(key, Some(&self.moto.url), loader()).await
    }
}

/// Credentials that no environment has to hold.
pub(super) fn loader() -> ConfigLoader {
    let credentials = Credentials::builder()
        .access_key_id("AKIDEXAMPLE")
        .secret_access_key(SECRET)
        .provider_name("a test")
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(credentials)
}

#[async_trait]
impl Backend for Aws {
    type Kms = AwsKms;

    async fn open(&self) -> AwsKms {
        self.kms(&self.alias).await.unwrap()
    }

    /// The alias moves to another key: AWS's own rotation keeps the key's ARN, and nothing of
    /// it is seen from here.
    async fn rotate(&self) {
        let key = self.new_key().await;
        let moved = self.admin().await.update_alias();
        moved
            .alias_name(&self.alias)
            .target_key_id(key)
            .send()
            .await
            .unwrap();
    }

    fn secrets(&self) -> Vec<Vec<u8>> {
        vec![SECRET.as_bytes().to_vec()]
    }

    fn may_forbid_what_was_changed(&self) -> bool {
        true
    }
}

portal_store::kms_conformance_tests!(Aws::new().await);

#[tokio::test]
async fn an_id_is_the_arn_whatever_names_the_key() {
    let aws = Aws::new().await;
    let arn = aws.new_key().await;
    let (_, id) = arn.rsplit_once('/').unwrap();
    let alias = aws.admin().await.create_alias();
    let name = format!("{}-again", aws.alias);
    alias
        .alias_name(&name)
        .target_key_id(id)
        .send()
        .await
        .unwrap();
    let alias_arn = arn.replace(&format!("key/{id}"), &name);
    for key in [id, &arn, &name, &alias_arn] {
        let kms = aws.kms(key).await.unwrap();
        assert_eq!(kms.key_id().await.unwrap(), format!("aws:{arn}"), "{key}");
        assert_eq!(format!("{kms:?}"), format!("AwsKms({arn})"));
    }
}

/// The region of an ARN goes before that of the environment: a key is in one only.
#[tokio::test]
async fn an_arn_names_its_region() {
    let aws = Aws::new().await;
    let elsewhere = loader().region(Region::new("us-east-2"));
    let url = Some(aws.moto.url.as_str());
    let error = error_of(AwsKms::with_loader(&aws.alias, url, elsewhere).await);
    assert!(
        matches!(error, AwsKmsError::Kms(KmsError::UnknownKey { .. })),
        "{error:?}"
    );
    let arn = aws.new_key().await;
    let elsewhere = loader().region(Region::new("us-east-2"));
    let kms = AwsKms::with_loader(&arn, url, elsewhere).await.unwrap();
    opens(&kms, &wrap(&kms).await).await;
}

#[tokio::test]
async fn keys_of_another_kind_are_refused() {
    let aws = Aws::new().await;
    for (spec, usage) in [
        (KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt),
        (KeySpec::EccNistP256, KeyUsageType::SignVerify),
        (KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac),
    ] {
        let made = aws.admin().await.create_key();
        let made = made.key_spec(spec.clone()).key_usage(usage).send().await;
        let id = made.unwrap().key_metadata.unwrap().key_id;
        let error = error_of(aws.kms(&id).await);
        assert!(
            matches!(&error, AwsKmsError::WrongKind { spec: seen, .. } if seen == spec.as_str()),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_or_disabled_is_unknown() {
    let aws = Aws::new().await;
    // moto finds them by their ids only.
    let id_of = |arn: String| arn.rsplit_once('/').unwrap().1.to_owned();
    let disabled = id_of(aws.new_key().await);
    let deleted = id_of(aws.new_key().await);
    let admin = aws.admin().await;
    admin.disable_key().key_id(&disabled).send().await.unwrap();
    let delete = admin.schedule_key_deletion().key_id(&deleted);
    delete.pending_window_in_days(7).send().await.unwrap();
    for key in [
        "alias/nobodys",
        "00000000-0000-4000-8000-000000000000",
        &disabled,
        &deleted,
    ] {
        let error = error_of(aws.kms(key).await);
        assert!(
            matches!(&error, AwsKmsError::Kms(KmsError::UnknownKey { key_id })
                if key_id.ends_with(key)),
            "{key}: {error:?}"
        );
    }
}

/// A key that our credentials may use, but of somebody who would then know what it seals.
#[tokio::test]
async fn no_key_of_another_account_or_region_opens() {
    let aws = Aws::new().await;
    let kms = Backend::open(&aws).await;
    let wrapped = wrap(&kms).await;
    let swap = |from: &str, to: &str| {
        assert!(wrapped.key_id.contains(from), "{}", wrapped.key_id);
        wrapped.key_id.replace(from, to)
    };
    for key_id in [
        swap(":123456789012:", ":999999999999:"),
        swap(":eu-central-1:", ":eu-central-2:"),
        swap("arn:aws:", "arn:aws-cn:"),
        swap(":key/", ":alias/"),
        swap(":key/", ":key/ "),
        swap(":key/", ":key/:key/"),
        swap("aws:arn", "arn"),
    ] {
        let moved = WrappedKey {
            key_id: key_id.clone(),
            ..wrapped.clone()
        };
        let error = error_of(kms.unwrap(&moved, &context("w")).await);
        assert!(
            matches!(&error, KmsError::UnknownKey { key_id: seen } if *seen == key_id),
            "{key_id}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_data_key_goes_over_no_network_in_clear() {
    let error =
        error_of(AwsKms::with_loader("alias/a", Some("http://kms.example"), loader()).await);
    assert!(
        matches!(error, AwsKmsError::Endpoint(EndpointError::Insecure { .. })),
        "{error:?}"
    );
}

/// What a program finds in its environment, which a test cannot set for itself: this one runs
/// itself in an environment of its own.
#[tokio::test]
async fn the_environment_has_credentials_and_region() {
    const KEY: &str = "PORTAL_TEST_AWS_KEY";
    const ENDPOINT: &str = "PORTAL_TEST_AWS_ENDPOINT";
    if let (Ok(key), Ok(endpoint)) = (std::env::var(KEY), std::env::var(ENDPOINT)) {
        let kms = AwsKms::new(&key, Some(&endpoint)).await.unwrap();
        opens(&kms, &wrap(&kms).await).await;
        assert!(kms.key_id().await.unwrap().contains(":eu-central-1:"));
        println!("opened in an environment");
        return;
    }
    let aws = Aws::new().await;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("kms::aws::the_environment_has_credentials_and_region")
        .env(KEY, &aws.alias)
        .env(ENDPOINT, &aws.moto.url)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("opened in an environment"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
