//! Wrapping keys at AWS KMS.
//!
//! A data key goes there in `Encrypt` and comes back in `Decrypt`, its [`KeyContext`] being the
//! encryption context: AWS authenticates it, and writes it to CloudTrail. `GenerateDataKey` is
//! not used, because the port's callers draw data keys themselves, the same way for every KMS.
//!
//! A key's id is `aws:` and its ARN, also where it was configured by an alias: an alias can move
//! to another key. AWS's own rotation keeps the ARN, and all that was wrapped opens. After a move
//! to another key of the same account and region, what the former one wrapped still opens.

use core::fmt;
use core::time::Duration;
use std::collections::HashMap;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{EncryptionAlgorithmSpec, KeyMetadata, KeySpec, KeyState, KeyUsageType};
use aws_smithy_http_client::{Builder as HttpBuilder, tls};
use portal_seal::SealingKey;
use zeroize::Zeroizing;

use super::endpoint::{EndpointError, endpoint};
use super::{KeyContext, Kms, KmsError, WRAPPED_BYTES, WrappedKey};

const PREFIX: &str = "aws:";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// With all its attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;

/// Wraps data keys under a symmetric key of AWS KMS.
pub struct AwsKms {
    client: Client,
    arn: String,
}

/// Why AWS KMS cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum AwsKmsError {
    /// The endpoint is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// No region is configured.
    #[error("expected an AWS region, found none; set AWS_REGION, or configure the key by its ARN")]
    NoRegion,
    /// The key is of another kind.
    #[error(
        "expected a symmetric key that encrypts (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT), \
         got {spec} for {usage}"
    )]
    WrongKind {
        /// Its spec.
        spec: String,
        /// What it is for.
        usage: String,
    },
    /// The key could not be looked up.
    #[error(transparent)]
    Kms(#[from] KmsError),
}

impl AwsKms {
    /// Looks the key up: an id, an alias (`alias/…`), or the ARN of either. Credentials come
    /// from AWS's default chain (environment, profile, web identity, ECS, EC2), the region from
    /// the ARN or from the same places.
    ///
    /// `endpoint_url` stands in for AWS's own, for a VPC endpoint or a test. Where there is none,
    /// the SDK's variables hold (`AWS_ENDPOINT_URL_KMS`), and are taken as they are.
    ///
    /// # Errors
    ///
    /// [`AwsKmsError`].
    pub async fn new(key: &str, endpoint_url: Option<&str>) -> Result<Self, AwsKmsError> {
        let loader = aws_config::defaults(BehaviorVersion::latest());
        Self::with_loader(key, endpoint_url, loader).await
    }

    /// As [`new`](Self::new), for a program that finds credentials or region elsewhere.
    ///
    /// # Errors
    ///
    /// [`AwsKmsError`].
    pub async fn with_loader(
        key: &str,
        endpoint_url: Option<&str>,
        mut loader: ConfigLoader,
    ) -> Result<Self, AwsKmsError> {
        if let Some(url) = endpoint_url {
            endpoint(url)?;
        }
        if let Some(region) = region_of(key) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let shared = loader
            .http_client(
                HttpBuilder::new()
                    .tls_provider(tls::Provider::Rustls(
                        tls::rustls_provider::CryptoMode::Ring,
                    ))
                    .build_https(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            )
            .load()
            .await;
        if shared.region().is_none() {
            return Err(AwsKmsError::NoRegion);
        }
        let mut config = aws_sdk_kms::config::Builder::from(&shared);
        // Here and not on the loader: the credentials' own services are elsewhere.
        if let Some(url) = endpoint_url {
            config.set_endpoint_url(Some(url.to_owned()));
        }
        let client = Client::from_conf(config.build());
        let arn = look_up(&client, key).await?;
        Ok(Self { client, arn })
    }

    /// The ARN that `key_id` stands for, where this KMS may have made it. Another account's key
    /// is none of ours even if our credentials may use it: whoever can write to the database
    /// must not be able to have secrets opened that they sealed themselves.
    fn arn_of<'a>(&self, key_id: &'a str) -> Option<&'a str> {
        let arn = key_id.strip_prefix(PREFIX)?;
        let (home, id) = arn.split_once(":key/")?;
        let (own_home, _) = self.arn.split_once(":key/")?;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (home == own_home && !id.is_empty() && id.bytes().all(is_id)).then_some(arn)
    }
}

#[async_trait]
impl Kms for AwsKms {
    async fn key_id(&self) -> Result<String, KmsError> {
        Ok(format!("{PREFIX}{}", self.arn))
    }

    async fn wrap(
        &self,
        data_key: &SealingKey,
        context: &KeyContext,
    ) -> Result<WrappedKey, KmsError> {
        let key_id = format!("{PREFIX}{}", self.arn);
        let answer = self
            .client
            .encrypt()
            .key_id(&self.arn)
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            // Exposed to be encrypted, nothing else.
            .plaintext(Blob::new(data_key.expose().to_vec()))
            .set_encryption_context(Some(encryption_context(context)))
            .send()
            .await
            .map_err(|error| failure(&error, &key_id))?;
        if answer.key_id() != Some(self.arn.as_str()) {
            return Err(KmsError::Malformed {
                problem: "Encrypt answered for another key than the one that was named",
            });
        }
        let bytes = answer.ciphertext_blob.map(Blob::into_inner);
        match bytes {
            Some(bytes) if (1..=WRAPPED_BYTES).contains(&bytes.len()) => {
                Ok(WrappedKey { key_id, bytes })
            }
            _ => Err(KmsError::Malformed {
                problem: "expected a CiphertextBlob of 1 to 4096 bytes from Encrypt",
            }),
        }
    }

    async fn unwrap(
        &self,
        wrapped: &WrappedKey,
        context: &KeyContext,
    ) -> Result<SealingKey, KmsError> {
        let Some(arn) = self.arn_of(&wrapped.key_id) else {
            return Err(KmsError::UnknownKey {
                key_id: wrapped.key_id.clone(),
            });
        };
        // Encrypt never gave such: AWS need not be asked.
        if !(1..=WRAPPED_BYTES).contains(&wrapped.bytes.len()) {
            return Err(KmsError::Refused);
        }
        let answer = self
            .client
            .decrypt()
            // Without it, AWS would take any key that the cipher text names.
            .key_id(arn)
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .ciphertext_blob(Blob::new(wrapped.bytes.clone()))
            .set_encryption_context(Some(encryption_context(context)))
            .send()
            .await
            .map_err(|error| failure(&error, &wrapped.key_id))?;
        let answered_for = answer.key_id;
        let plaintext = answer.plaintext.map(Blob::into_inner).map(Zeroizing::new);
        if answered_for.as_deref() != Some(arn) {
            return Err(KmsError::Malformed {
                problem: "Decrypt answered for another key than the one that was named",
            });
        }
        let mut key = Zeroizing::new([0; 32]);
        match plaintext {
            Some(plaintext) if plaintext.len() == key.len() => key.copy_from_slice(&plaintext),
            _ => {
                return Err(KmsError::Malformed {
                    problem: "expected 32 bytes as the Plaintext from Decrypt",
                });
            }
        }
        Ok(SealingKey::from_bytes(key))
    }
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsKms({})", self.arn)
    }
}

/// The ARN of the key that `key` names.
async fn look_up(client: &Client, key: &str) -> Result<String, AwsKmsError> {
    let answer = client.describe_key().key_id(key).send().await;
    let answer = answer.map_err(|error| failure(&error, &format!("{PREFIX}{key}")))?;
    let metadata: KeyMetadata = answer.key_metadata.ok_or(KmsError::Malformed {
        problem: "expected KeyMetadata from DescribeKey",
    })?;
    let (spec, usage) = (metadata.key_spec(), metadata.key_usage());
    // Other keys authenticate no encryption context.
    if spec != Some(&KeySpec::SymmetricDefault) || usage != Some(&KeyUsageType::EncryptDecrypt) {
        return Err(AwsKmsError::WrongKind {
            spec: spec.map_or("no spec", KeySpec::as_str).to_owned(),
            usage: usage.map_or("no usage", KeyUsageType::as_str).to_owned(),
        });
    }
    let arn = metadata.arn().unwrap_or_default();
    if metadata.key_state() != Some(&KeyState::Enabled) {
        return Err(AwsKmsError::Kms(KmsError::UnknownKey {
            key_id: format!("{PREFIX}{arn}"),
        }));
    }
    if !arn.starts_with("arn:") || !arn.contains(":key/") {
        return Err(AwsKmsError::Kms(KmsError::Malformed {
            problem: "expected the Arn of a key from DescribeKey",
        }));
    }
    Ok(arn.to_owned())
}

/// The region of an ARN: `arn:partition:kms:region:account:…`.
fn region_of(key: &str) -> Option<&str> {
    let mut parts = key.split(':');
    let is_arn = parts.next() == Some("arn");
    let region = parts.nth(2).filter(|region| !region.is_empty());
    region.filter(|_| is_arn)
}

fn encryption_context(context: &KeyContext) -> HashMap<String, String> {
    let fields: HashMap<_, _> = context
        .0
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    debug_assert_eq!(fields.len(), context.0.len(), "no name stands twice");
    fields
}

/// What an error of AWS's means for a data key. Of its text only the code is passed on, and the
/// message where access is denied: it names the caller and the permission.
fn failure<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, key_id: &str) -> KmsError {
    let unavailable = |problem: &str| KmsError::Unavailable {
        problem: problem.to_owned(),
    };
    match error {
        SdkError::TimeoutError(_) => return unavailable("no answer from AWS within 5 seconds"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() || failure.is_io() => {
            return unavailable("AWS cannot be reached");
        }
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            return unavailable(
                "no request could be signed or sent; \
                 check that AWS credentials are configured and their source can be reached",
            );
        }
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    match code {
        "AccessDeniedException" | "AccessDenied" => KmsError::Forbidden {
            problem: format!("{code}: {}", error.message().unwrap_or("no reason given")),
        },
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "NotAuthorized"
        | "OptInRequired" => KmsError::Forbidden {
            problem: format!("{code}; check the AWS credentials, and this machine's clock"),
        },
        "InvalidCiphertextException" | "IncorrectKeyException" => KmsError::Refused,
        "NotFoundException"
        | "DisabledException"
        | "KMSInvalidStateException"
        | "InvalidArnException"
        | "InvalidKeyUsageException" => KmsError::UnknownKey {
            key_id: key_id.to_owned(),
        },
        "ThrottlingException"
        | "Throttling"
        | "LimitExceededException"
        | "RequestLimitExceeded"
        | "DependencyTimeoutException"
        | "KeyUnavailableException"
        | "KMSInternalException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalFailure" => unavailable(code),
        _ if status.is_some_and(|status| status >= 500 || status == 429) => {
            unavailable("AWS answered with an error of the server's")
        }
        _ => {
            tracing::warn!(code, status, "AWS KMS answered with an unexpected error");
            KmsError::Malformed {
                problem: "AWS answered with an error that is none of this call's; the log has \
                          its code",
            }
        }
    }
}
